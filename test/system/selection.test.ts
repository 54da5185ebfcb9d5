/** Ours and the real chronyd judge the same servers alike, with every option that weighs in. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, freePort, poll, type Running, startDaemon } from '../support/daemon.js';
import { peersRequired } from '../support/peers.js';

after(cleanUp);

const CHRONYD = peerSet('chrony-trixie').chronyd;
const SERVERS = [1, 2, 3, 4].map((n) => `127.0.41.${n}`);
/** The last one is half a second off. */
const LIAR = 3;

interface Case {
  readonly what: string;
  /** Options of each server. */
  readonly words: readonly [string, string, string, string];
  readonly lines?: readonly string[];
  /** One letter a server; `=`: selected, combined, or too far to be. */
  readonly letters: string;
}

const CASES: readonly Case[] = [
  { what: 'nothing said', words: ['', '', '', ''], letters: '===x' },
  { what: 'prefer', words: ['', 'prefer', '', ''], letters: 'P=Px' },
  { what: 'trust the liar', words: ['', '', '', 'trust'], letters: 'xxx=' },
  { what: 'require the liar', words: ['', '', '', 'require'], letters: 'WWWx' },
  { what: 'require an honest one', words: ['require', '', '', ''], letters: '===x' },
  { what: 'noselect', words: ['noselect', '', '', ''], letters: 'N==x' },
  { what: 'minsources', words: ['', '', '', ''], lines: ['minsources 4'], letters: 'WWWx' },
  { what: 'maxdistance', words: ['', '', '', ''], lines: ['maxdistance 0.0000001'], letters: 'dddd' },

  { what: 'combinelimit 0', words: ['', '', '', ''], lines: ['combinelimit 0'], letters: '===x' },
  { what: 'one against one', words: ['noselect', 'noselect', '', ''], letters: 'NNxx' },
  {
    what: 'their stratum is that of our local time',
    words: ['', '', '', ''],
    lines: ['local stratum 1 orphan'],
    letters: 'OOOO',
  },
];

const linesOf = ({ words, lines = [] }: Case, port: number): string[] => [
  ...SERVERS.map((s, i) => `server ${s} port ${port} iburst minpoll 0 maxpoll 0 ${words[i]}`),
  ...lines,
  'port 0',
];

const letters = async (daemon: Running): Promise<string> => {
  const rows = await daemon.report('selectdata');
  return rows.map((row) => ((row[0] ?? '?').match(/[*+D]/) ? '=' : row[0])).join('');
};

describe('selection', () => {
  it('gives every server the letter that chronyd gives it', async (t) => {
    if (!existsSync(CHRONYD)) {
      if (peersRequired()) throw new Error('peer chronyd 4.6 is required and not installed (scripts/install-peers)');
      t.skip('peer chronyd 4.6 is not installed');
      return;
    }
    const port = await freePort();
    for (const [i, address] of SERVERS.entries()) {
      const server = await startChronyd(CHRONYD, [
        'local stratum 1',
        'allow',
        `port ${port}`,
        `bindaddress ${address}`,
      ]);
      if (i === LIAR) assert.equal((await server.chronyc('doffset', '0.5')).code, 0);
    }
    for (const c of CASES) {
      const pair = [await startChronyd(CHRONYD, linesOf(c, port)), await startDaemon(linesOf(c, port))];
      let seen: string[] = [];
      await poll(
        `${c.what}: both say ${c.letters}`,
        async () => {
          seen = await Promise.all(pair.map(letters));
          return seen.every((s) => s === c.letters) ? true : undefined;
        },
        20_000,
        () => `chronyd and ours say ${seen.join(' and ')}`,
      );
      t.diagnostic(`${c.what}: ${seen[0]}`);
      await Promise.all(pair.map((daemon) => daemon.stop()));
    }
  });
});
