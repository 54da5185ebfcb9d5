/** The same lines are accepted and refused as by the real chronyd, with the same words where its release has them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { CodedError } from '../../src/base/errors.js';
import { REFCLOCK_OPTIONS } from '../../src/conf/directives/refclock.js';
import { SOURCE_OPTIONS } from '../../src/conf/directives/sources.js';
import { DIRECTIVES } from '../../src/conf/directives.js';
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

/** Values that every directive and every option is tried with. */
const VALUES = ['', '0', '10', 'x', '0.5', '/p', '127.0.0.1', '1 2', '1 1 leaponly', 'mix'];
const FEW = ['', '1', 'x', '0.5'];

const everyLine = (): readonly string[] => {
  const options = (head: string, names: readonly string[], values: readonly string[]): string[] =>
    [...names, 'bogus'].flatMap((name) => values.map((value) => `${head} ${name} ${value}`.trim()));
  return [
    // These read files and directories of the machine that the test runs on.
    ...DIRECTIVES.filter(({ name, addition }) => addition !== true && !['include', 'confdir'].includes(name)).flatMap(
      ({ name }) => VALUES.map((value) => `${name} ${value}`.trim()),
    ),
    ...options('server a.b', SOURCE_OPTIONS, FEW),
    ...options('refclock SHM 0', REFCLOCK_OPTIONS, FEW),
    ...options('local', ['stratum', 'orphan', 'distance', 'activate'], FEW),
    ...options('hwtimestamp eth0', ['minpoll', 'maxpoll', 'precision', 'txcomp', 'nocrossts', 'rxfilter'], FEW),
    ...options('ratelimit', ['interval', 'burst', 'leak', 'kod'], FEW),
  ];
};

/** What has come since 4.6.1. */
const NEW_DIRECTIVES = /^(minstratum|maxstratum|maxtxbuffers|opencommands)\b/;
const NEW_OPTIONS = /^(server|refclock) .* maxunreach|^driftfile \S+ interval/;
/** Names are asked for when the daemon starts. */
const HOST = /^(cmd)?(allow|deny) [a-z]+$/;

/** What is wrong with our judgement of a line beside that of 4.6.1; undefined = nothing that 4.8 would not do. */
const wrong = (line: string, ours: string | undefined, theirs: string | undefined): string | undefined => {
  const verdict = `${line}: ours: ${ours ?? 'taken'}; 4.6.1: ${theirs ?? 'taken'}`;
  if (ours === theirs || NEW_DIRECTIVES.test(line) || NEW_OPTIONS.test(line)) return undefined;
  if (ours === undefined) return HOST.test(line) ? undefined : verdict;
  if (theirs === undefined) {
    // Numbers have ranges and are read to their end since 4.7; drivers are looked at when the line is read.
    const strict = /\b(0\.5|127\.0\.0\.1)$/.test(line);
    return strict || /^Invalid value|^unknown refclock driver/.test(ours) ? undefined : verdict;
  }
  // One form of words has become three.
  const older = /^Could not parse|^Invalid refclock option|^Too many arguments for driftfile/.test(theirs);
  return older && /^Invalid (option|value)|^Could not parse|^unknown refclock driver/.test(ours) ? undefined : verdict;
};

describe('the language, side by side with chronyd', () => {
  it('every directive and option, with many values', { timeout: 120_000 }, (t) => {
    const chronyd = requirePeer(t, 'chronyd', 'chrony-trixie');
    if (chronyd === undefined) return;
    const lines = everyLine();
    assert.ok(lines.length > 1000, `${lines.length}`);
    const differences = lines.flatMap((line) => {
      const [ours, theirs] = [ourVerdict([line]), peerVerdict(chronyd, [line])];
      const printed = ours.printed === theirs.printed ? [] : [`${line}: printed ${ours.printed} and ${theirs.printed}`];
      const judged = wrong(line, ours.error, theirs.error);
      return judged === undefined ? printed : [...printed, judged];
    });
    assert.deepEqual(differences, []);
  });

  it('that comparison can object', () => {
    const error = 'Could not parse port directive at line 1';
    assert.notEqual(wrong('port 1', error, undefined), undefined);
    assert.notEqual(wrong('port x', undefined, error), undefined);
    assert.notEqual(wrong('port 1 2', error, 'Too many arguments for port directive at line 1'), undefined);
    assert.equal(wrong('port x', error, error), undefined);
  });

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
