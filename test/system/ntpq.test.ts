/** ntpsec's ntpq looks at our daemon. It knows port 123 only, so both live in a network namespace of their own. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runProgram, shmUnit, TIMEBALLD } from '../support/daemon.js';
import { peerEnv, requirePeer } from '../support/peers.js';

describe('mode 6', () => {
  it('answers ntpq -pn, rv, as and sysinfo on loopback; nobody where cmddeny says so', async (t) => {
    const ntpq = requirePeer(t, 'ntpq');
    if (ntpq === undefined) return;
    if (process.getuid?.() !== 0) return t.skip('needs root for a network namespace');
    const dir = mkdtempSync(join(tmpdir(), 'timeball-ntpq-'));
    const conf = join(dir, 'conf');
    const lines = [
      'allow',
      'local stratum 3',
      `refclock SHM ${shmUnit(201)} refid TEST`,
      'cmdport 0',
      'bindcmdaddress /',
      'cmddeny 127.0.0.9',
    ];
    writeFileSync(conf, lines.join('\n'));
    const script = [
      'ip link set lo up || exit 9',
      `${TIMEBALLD} -x -d -U -f ${conf} 2> ${dir}/log & D=$!`,
      'i=0; until [ $i -ge 50 ] || grep -q Disabled ' + `${dir}/log; do i=$((i+1)); sleep 0.1; done; sleep 0.5`,
      `for c in peers rv as sysinfo; do echo "== $c"; ${ntpq} -n -c $c 127.0.0.1; done`,
      'ip addr add 127.0.0.9/8 dev lo; ip route replace local 127.0.0.2 dev lo src 127.0.0.9 table local',
      `echo "== denied"; ${ntpq} -n -c rv 127.0.0.2`,
      'kill $D; wait $D',
    ].join('\n');
    try {
      const { text } = await runProgram('/usr/bin/unshare', ['-n', 'sh', '-c', script], {
        ms: 40_000,
        env: peerEnv(ntpq),
      });
      const part = (name: string): string => text.split('== ').find((p) => p.startsWith(`${name}\n`)) ?? text;
      assert.match(part('peers'), /TEST\s+\.TEST\.\s+0/);
      assert.match(part('rv'), /sync_local.*version="timeball .*stratum=3.*refid=127\.127\.1\.1/s);
      assert.match(part('as'), /1\s+1\s+80\w\w\s+yes/);
      assert.match(part('sysinfo'), /stratum:\s+3.*reference ID:\s+127\.127\.1\.1/s);
      assert.doesNotMatch(part('denied'), /stratum=3/);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
