/** The same lines are accepted and refused as by the real chronyd, with the same words where its release has them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { CodedError } from '../../src/base/errors.js';
import { flatten } from '../../src/conf/parse.js';
import { requirePeer } from '../support/peers.js';
import { NO_FILES, TIMEBALL } from '../unit/conf/memoryfiles.js';

interface Verdict {
  readonly printed: string;
  /** Undefined = accepted. */
  readonly error: string | undefined;
}

const peerVerdict = (chronyd: string, lines: readonly string[]): Verdict => {
  const { stdout, stderr } = spawnSync(chronyd, ['-p', '--', ...lines], { encoding: 'utf8', timeout: 5000 });
  const error = /Fatal error : (.*)/.exec(stderr)?.[1];
  return { printed: stdout, error };
};

const ourVerdict = (lines: readonly string[]): Verdict => {
  let printed = '';
  try {
    flatten({ lines }, NO_FILES, TIMEBALL, (line) => {
      printed += `${line}\n`;
    });
  } catch (e) {
    assert.ok(e instanceof CodedError, String(e));
    return { printed, error: e.message };
  }
  return { printed, error: undefined };
};

/** Judged alike by every release, with the same message. */
const SAME: readonly string[] = [
  'port',
  'port 1 2',
  'port x',
  'PORT x',
  '  PoRt \t 11123 ',
  '  # a comment',
  '! a comment',
  '; a comment',
  '%a comment',
  'noclientlog 1',
  'rtcsync x',
  'rtcsync',
  'makestep 1',
  'makestep x 1',
  'makestep 1 x',
  'makestep 1 3',
  'makestep 1 -1',
  'makestep 1 3 4',
  'maxchange 1 2',
  'maxchange 1 1.5 1',
  'maxchange 0.5 1 -1',
  'refclock PPS',
  'refclock SHM 0 stratum x',
  'refclock SHM 0 precision x',
  'refclock SHM 0 lock',
  'refclock SHM 0 refid GPS precision 1e-1 offset 0.9999 delay 0.2',
  'refclock SOCK /run/chrony.ttyS0.sock refid PPS',
  'refclock PPS /dev/pps0:clear lock GPS rate 5 width 0.1 pps prefer',
  'refclock PHC /dev/ptp0:nocrossts:extpps:pin=0:channel=1 poll 0 dpoll -2 tai',
  'allow',
  'allow all',
  'allow 10',
  'allow 10.1/16',
  'allow all 192.168.0.0/16',
  'allow 2001:db8::/32',
  'allow 1.2.3.4/x',
  'allow 1.2.3.4/8 x',
  'allow 10./8',
  'allow 256',
  'allow 10.1.2.3.4',
  'deny all 10/8',
  'cmdallow',
  'cmddeny all',
  'local',
  'local stratum 10 orphan distance 0.1',
  'local stratum 0',
  'local stratum 16',
  'local stratum x',
  'local bogus',
  'log tracking statistics measurements',
  'log',
  'log TRACKING',
  'logbanner x',
  'leapsecmode SLEW',
  'leapsecmode x',
  'authselectmode REQUIRE',
  'authselectmode x',
  'bindaddress 127.0.0.1',
  'bindaddress foo',
  'bindaddress',
  'bindcmdaddress /',
  'bindcmdaddress /run/x.sock',
  'bindcmdaddress foo',
  'clientloglimit x',
  'ratelimit',
  'ratelimit interval 1 burst 16 leak 2',
  'ratelimit interval x',
  'cmdratelimit interval -4',
  'driftfile /var/lib/chrony/drift',
  'driftfile',
  'smoothtime 400 0.01 leaponly',
  'smoothtime 400 0.01 x',
  'smoothtime 400',
  'fallbackdrift 16 19',
  'fallbackdrift 16',
  'tempcomp /sys/x 30 26000 0.0 0.000183 0.0',
  'tempcomp /sys/x 30 /points',
  'tempcomp /sys/x y /points',
  'tempcomp /sys/x 30',
  'mailonchange root 0.5',
  'mailonchange root x',
  'mailonchange root',
  'broadcast 30 192.168.1.255',
  'broadcast 30',
  'broadcast x 192.168.1.255',
  'initstepslew 30',
  'initstepslew x',
  'hwtimestamp *',
  'hwtimestamp eth0 minpoll 0 rxfilter all nocrossts txcomp 1e-7',
  'hwtimestamp eth0 minpoll x',
  'hwtimestamp eth0 rxfilter foo',
  'hwtimestamp',
  'server ntp.example iburst minpoll 4 maxpoll 6 xleave',
  'pool pool.example iburst maxsources 4',
  'peer 192.0.2.1 key 10',
  'server',
  'user a b',
  'user',
  'leapsectz right/UTC',
  'ntstrustedcerts 1 /etc/x.pem',
  'ntstrustedcerts x /etc/x.pem',
  'ntstrustedcerts',
  'nocerttimecheck',
  'confdir',
  'sourcedir /run/chrony-dhcp',
  'include',
  'include a b',
  'include /nonexistent/x.conf',
  'dumponexit',
  'manual',
  'lock_all',
];

/** Refused by both; the words are those of chrony 4.8, which the peer may be older than. */
const REFUSED: readonly string[] = [
  'foo',
  'server ntp.example minpoll x',
  'server ntp.example minpoll',
  'server ntp.example bogus',
  'server ntp.example # comment',
  'server ntp.example key 0',
  'refclock SHM 0 bogus',
  'refclock SHM 0 refid ABCDE',
  'refclock SHM 0 stratum 99',
  'hwtimestamp * bogus',
  'ratelimit bogus',
];

describe('the language, side by side with chronyd', () => {
  it('is judged alike', (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const differences = SAME.flatMap((line) => {
      const peer = peerVerdict(chronyd, [line]);
      const ours = ourVerdict([line]);
      return ours.error === peer.error && ours.printed === peer.printed ? [] : [{ line, ours, peer }];
    });
    assert.deepEqual(differences, []);
  });

  it('is refused alike', (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    for (const line of REFUSED) {
      assert.notEqual(peerVerdict(chronyd, [line]).error, undefined, line);
      assert.notEqual(ourVerdict([line]).error, undefined, line);
    }
  });

  it('is printed alike by -p', (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const lines = ['  port   0', '# c', '', 'log  tracking', 'sourcedir /x', 'Allow all'];
    assert.deepEqual(ourVerdict(lines), peerVerdict(chronyd, lines));
  });
});
