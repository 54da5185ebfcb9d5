import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveHostRules } from '../../../src/app/daemon/hostrules.js';
import { parseConfig } from '../../../src/conf/parse.js';
import { NO_FILES, TIMEBALL } from '../conf/memoryfiles.js';

describe('host names in access rules', () => {
  const parse = (...lines: string[]) => parseConfig({ lines }, NO_FILES, TIMEBALL);

  it('stand for the addresses of the host, in the place of the line', async () => {
    const { server, command } = await resolveHostRules(
      parse('allow 10', 'deny all localhost', 'allow', 'cmdallow localhost'),
    );
    assert.equal(server.access[0]!.subnet.kind, 'net');
    const named = server.access.slice(1, -1);
    assert.ok(named.length >= 1);
    for (const { action, all, subnet } of named) {
      assert.deepEqual([action, all], ['deny', true]);
      assert.ok(subnet.kind === 'net' && ['127.0.0.1', '::1'].includes(subnet.address), JSON.stringify(subnet));
      assert.equal(subnet.bits, subnet.family === 4 ? 32 : 128);
    }
    assert.equal(server.access.at(-1)!.subnet.kind, 'any');
    assert.ok(command.access.every(({ subnet }) => subnet.kind === 'net'));
  });

  it('that nobody knows are fatal, with the words and the line of chronyd', async () => {
    await assert.rejects(resolveHostRules(parse('port 0', 'cmddeny nobody.invalid')), {
      code: 'ERR_TB_CONFIG',
      message: 'Could not parse cmddeny directive at line 2',
    });
  });

  it('without names nothing is looked up', async () => {
    const config = parse('allow 10', 'deny');
    assert.equal(await resolveHostRules(config), config);
  });
});
