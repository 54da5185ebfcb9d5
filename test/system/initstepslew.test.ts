/** The measurement before normal operation: ours and the real chronyd say the same of the same servers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { peerSet } from '../support/chronypair.js';
import { cleanUp, runProgram, TIMEBALLD, testDir } from '../support/daemon.js';
import { peerEnv, peersRequired } from '../support/peers.js';

after(cleanUp);

const { chronyd: CHRONYD, chronyc: CHRONYC } = peerSet('chrony-trixie');
/** Servers of initstepslew are asked at port 123: only a namespace of its own has that free. */
const hasNamespaces = (): boolean => spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up']).status === 0;

const ready = (t: TestContext): boolean => {
  const lacks = !existsSync(CHRONYD) ? 'peer chronyd 4.6' : hasNamespaces() ? undefined : 'a network namespace (root)';
  if (lacks === undefined) return true;
  if (peersRequired()) throw new Error(`${lacks} is required and not there`);
  t.skip(`${lacks} is not there`);
  return false;
};

/** Nobody has an address in this network: requests are refused at once, as on a machine that is not connected. */
const DEAD = '10.9.9.9';

/** Name, arguments, configuration. In all of them the server at 127.0.0.1 is 3 s behind. */
const CASES: readonly (readonly [string, string, string])[] = [
  ['step', '-d', 'server 127.0.0.1 iburst\ninitstepslew 1 127.0.0.1'],
  ['slew', '-d', 'server 127.0.0.1 iburst\ninitstepslew 10 127.0.0.1'],
  ['one-dead', '-d', `server 127.0.0.1 iburst\ninitstepslew 10 ${DEAD} 127.0.0.1`],
  ['all-dead', '-d', `server 127.0.0.1 iburst\ninitstepslew 10 ${DEAD}`],
  ['no-name', '-d', 'server 127.0.0.1 iburst\ninitstepslew 10 nosuch.invalid 127.0.0.1'],
  ['once', '-q', `server ${DEAD} iburst\ninitstepslew 10 127.0.0.1`],
  ['once-dead', '-q', `server 127.0.0.1 iburst\ninitstepslew 10 ${DEAD}`],
  ['print', '-Q', `local stratum 5\nserver ${DEAD} iburst\ninitstepslew 10 127.0.0.1`],
];

/** The lines that belong to the matter, without times and fractions. */
const judged = (log: string): string[] =>
  log
    .split('\n')
    .map((line) => line.replace(/^\S+Z /, '').replace(/\d\.\d{6}/g, (s) => `${Math.round(Number(s))}.#`))
    .filter((line) => /initial offset|initstepslew|No suitable|\((step|ignored)\)|exit code/.test(line));

const script = (dir: string): string => {
  const lines = [
    'ip link set lo up',
    `${CHRONYD} -x -U -d -f ${dir}/server.conf & server=$!`,
    'sleep 1',
    `${CHRONYC} -h ${dir}/run/server.sock doffset 3`,
    'jobs=',
  ];
  for (const [program, path] of [
    ['chronyd', CHRONYD],
    ['ours', TIMEBALLD],
  ] as const) {
    for (const [name, args] of CASES) {
      const run = `timeout 20 ${path} -x -U ${args} -f ${dir}/${program}-${name}.conf`;
      lines.push(
        `( ${run}; s=$?; [ $s = 124 ] || echo "exit code $s" ) > ${dir}/${program}-${name}.log 2>&1 & jobs="$jobs $!"`,
      );
    }
  }
  return [...lines, 'wait $jobs', 'kill $server', 'for f in $LOGS; do echo "== $f"; cat $f; done'].join('\n');
};

describe('initstepslew', () => {
  it('says what chronyd says: step, slew, dead servers, names, and with -q and -Q', async (t) => {
    if (!ready(t)) return;
    const dir = testDir();
    mkdirSync(join(dir, 'run'), { mode: 0o770 });
    const common = 'port 0\ncmdport 0\nbindcmdaddress /\nuser root\n';
    const server = `local stratum 1\nallow\ncmdport 0\nuser root\nbindcmdaddress ${dir}/run/server.sock\npidfile ${dir}/s.pid\n`;
    writeFileSync(join(dir, 'server.conf'), server);
    for (const program of ['chronyd', 'ours']) {
      for (const [name, , conf] of CASES) {
        writeFileSync(
          join(dir, `${program}-${name}.conf`),
          `${conf}\n${common}pidfile ${dir}/${program}-${name}.pid\n`,
        );
      }
    }
    const logs = ['chronyd', 'ours'].flatMap((p) => CASES.map(([name]) => `${dir}/${p}-${name}.log`));
    const env = { ...peerEnv(CHRONYD), LOGS: logs.join(' ') };
    const { text } = await runProgram('unshare', ['-n', 'sh', '-c', script(dir)], { ms: 60_000, env });
    const logOf = (program: string, name: string): string =>
      text.split(`== ${dir}/${program}-${name}.log\n`)[1]?.split(/^== /m)[0] ?? '';
    for (const [name] of CASES) {
      const theirs = judged(logOf('chronyd', name));
      assert.ok(theirs.length > 0, `${name}: ${text}`);
      t.diagnostic(`${name}: ${theirs.join(' / ')}`);
      assert.deepEqual(judged(logOf('ours', name)), theirs, `${name}\n${text}`);
    }
  });
});
