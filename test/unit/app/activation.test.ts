import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inheritedSockets } from '../../../src/app/daemon/activation.js';

describe('socket activation', () => {
  const cases: readonly [NodeJS.ProcessEnv, readonly number[]][] = [
    [{}, []],
    [{ LISTEN_FDS: '2' }, [3, 4]],
    [{ LISTEN_FDS: '1', LISTEN_PID: '42' }, [3]],
    [{ LISTEN_FDS: '1', LISTEN_PID: '43' }, []],
    [{ LISTEN_FDS: 'x' }, []],
    [{ LISTEN_FDS: '-1' }, []],
  ];
  for (const [env, expected] of cases) {
    it(JSON.stringify(env), () => {
      const mine = { ...env };
      assert.deepEqual(inheritedSockets(mine, 42), expected);
      assert.deepEqual(mine, {}, 'not for programs that we start');
    });
  }
  it('is bounded', () => assert.equal(inheritedSockets({ LISTEN_FDS: '999' }, 42).length, 64));
});
