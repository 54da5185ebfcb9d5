/** Our own commands against the query door itself, without a socket between them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseArgs } from '../../../../src/app/cli/args.js';
import { quantity, scientific } from '../../../../src/app/cli/figures.js';
import { OUR_COMMANDS } from '../../../../src/app/cli/ourcommands.js';
import { modeOf } from '../../../../src/app/cli/query.js';
import type { Session } from '../../../../src/app/cli/session.js';
import type { Mode } from '../../../../src/app/cli/sheet.js';
import { SyntaxFault } from '../../../../src/app/cli/syntax.js';
import { Talker } from '../../../../src/app/cli/talk.js';
import { CodedError } from '../../../../src/base/errors.js';
import type { QueryContext } from '../../../../src/control/query/context.js';
import { handleQuery } from '../../../../src/control/query/door.js';
import { documentedFields } from '../../../support/manpage.js';
import { fakeQueries, QUERY_REFCLOCK } from '../../../support/query.js';

class FakeTalker extends Talker {
  asked = 0;
  constructor(private readonly answer: (bytes: Uint8Array) => Uint8Array | undefined) {
    super({ servers: [], port: 0, family: 0 });
    this.retries = 1;
  }
  override query<T>(bytes: Uint8Array, read: (reply: Uint8Array) => T | undefined): Promise<T | undefined> {
    this.asked++;
    const reply = this.answer(bytes);
    return Promise.resolve(reply === undefined ? undefined : read(reply));
  }
}

const run = async (
  name: string,
  args: readonly string[],
  mode: Mode = 'text',
  answer: (bytes: Uint8Array) => Uint8Array | undefined = (bytes) => handleQuery(bytes, fakeQueries()),
) => {
  let out = '';
  const talker = new FakeTalker(answer);
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: () => undefined,
  };
  const session: Session = { ours: true, talker, io, mode, wide: false, naming: 'numeric', family: 0 };
  await OUR_COMMANDS[name]!(session, args);
  return { out, talker, session };
};
const json = async (name: string, args: readonly string[] = []) => JSON.parse((await run(name, args, 'json')).out);
const from =
  (context: Partial<QueryContext>) =>
  (bytes: Uint8Array): Uint8Array =>
    handleQuery(bytes, fakeQueries(context));
const refuses = async (promise: Promise<unknown>, code: string): Promise<void> =>
  assert.rejects(promise, (e) => e instanceof CodedError && e.code === code);

describe('app/cli: reports of timeballd', () => {
  it('receiver status in words', async () => {
    const { out } = await run('receiver', ['status']);
    assert.match(out, /^NMEA: NMEA \/dev\/gps0, up$/m);
    assert.match(out, /numbering {3}message: says the second itself/);
    assert.match(out, /latency {5}171 ms, spread 2\.00 ms, drift 0\.1 ppm\n.*offset 0\.171235/);
    assert.match(out, /satellites {2}9 used, 12 in view/);
    assert.match(out, /rejected {4}checksum 12, no-fix 3/);
    assert.equal(
      (await run('receiver', ['status'], 'text', from({ refclocks: () => [] }))).out,
      'No reference clocks\n',
    );
  });

  it('sources --why, bound, stability in words', async () => {
    assert.match((await run('sources', ['--why'])).out, /^\* PPS +selected: root distance 4\.2 us is the least$/m);
    assert.match((await run('bound', [])).out, /Bound +: \+\/- 5\.00 us, growing by at most 2 ppm/);
    const { out } = await run('stability', []);
    assert.match(out, /Clock against the selected source, every 1 s/);
    assert.match(out, /^ +32768 s +1\.23e-9 +12\.3 ns +123 ns +86400$/m);
    assert.match(out, /residuals: p50 10\.0 ns, p90 20\.0 ns/);
    assert.match(out, /one-sided by 25 %/);
    assert.doesNotMatch(out, /###/);
    assert.match((await run('stability', ['-v'])).out, /-10\.0 ns \.\. -5\.00 ns #+ +40000/);
  });

  it('a source that has said nothing yet', async () => {
    const empty = { kind: 'oscillator', name: '', interval: undefined, deviations: [], jitter: undefined } as const;
    const noise = { sigma: 0, wander: 0, drift: 0, oneSided: 0 };
    const { out } = await run('stability', [], 'text', from({ stability: () => ({ series: [empty], noise }) }));
    assert.match(out, /Oscillator.*\n {2}nothing measured yet/);
  });

  it('fetches every page of a long list', async () => {
    const many = Array.from({ length: 60 }, (_, i) => ({ ...QUERY_REFCLOCK, name: `R${i}` }));
    const { out, talker } = await run('receiver', ['status'], 'json', from({ refclocks: () => many }));
    assert.equal(JSON.parse(out).length, 60);
    assert.ok(talker.asked > 3);
  });

  it('JSON fields are those of the manual page', async () => {
    const documented = (name: string): readonly string[] => documentedFields('JSON OF TIMEBALLD', name);
    const same = (name: string, value: object): void => assert.deepEqual(Object.keys(value), documented(name), name);
    same('receiver status', (await json('receiver', ['status']))[0]);
    same('sources --why', (await json('sources', ['--why']))[0]);
    same('bound', await json('bound'));
    const stability = await json('stability');
    same('stability', stability);
    same('series', stability.series[0]);
    same('deviations', stability.series[0].deviations[0]);
    same('jitter', stability.series[0].jitter);
    same('noise', stability.noise);
  });

  it('says what is wrong: nobody there, a refusal, nonsense, no CSV, bad words', async () => {
    await refuses(
      run('bound', [], 'text', () => undefined),
      'ERR_TB_TALK',
    );
    await refuses(
      run('bound', [], 'text', (bytes) => {
        const { id } = JSON.parse(new TextDecoder().decode(bytes));
        return new TextEncoder().encode(JSON.stringify({ ok: false, id, code: 'ERR_TB_QUERY', text: 'no' }));
      }),
      'ERR_TB_QUERY',
    );
    // Replies to somebody else's question, and what is no JSON, count as none.
    for (const text of ['{', '[]', '{"ok":true,"id":"other","data":{}}']) {
      await refuses(
        run('bound', [], 'text', () => new TextEncoder().encode(text)),
        'ERR_TB_TALK',
      );
    }
    for (const name of ['bound', 'stability']) await assert.rejects(run(name, [], 'csv'), SyntaxFault);
    await assert.rejects(run('stability', ['-x']), SyntaxFault);
    await assert.rejects(run('receiver', ['nonsense']), SyntaxFault);
  });

  it('the mode is asked once and may stay unknown', async () => {
    const { session } = await run('bound', []);
    assert.equal(await modeOf(session), 'tracking');
    const silent = new FakeTalker(() => undefined);
    assert.equal(await modeOf({ ...session, talker: silent }), undefined);
    assert.equal(silent.asked, 1);
  });

  it('timeball looks for timeballd first, chronyc does not', () => {
    assert.equal(parseArgs([], true).servers[0], '/run/timeball/timeballd.sock');
    assert.equal(parseArgs([], false).servers[0], '/run/chrony/chronyd.sock');
  });

  it('figures', () => {
    assert.deepEqual([0, 1.5, 0.1712, -3.52e-8, 9.999e-7, 2e-13, 123e-9, null, undefined].map(quantity), [
      '0 s',
      '1.50 s',
      '171 ms',
      '-35.2 ns',
      '1000 ns',
      '0.200 ps',
      '123 ns',
      '-',
      '-',
    ]);
    assert.deepEqual([1.234e-10, null].map(scientific), ['1.23e-10', '-']);
  });
});
