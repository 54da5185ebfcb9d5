/** docs/chrony.md: its tables are the code's, and its states are true. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { withTables } from '../../src/app/chronytable.js';
import { DIRECTIVES, findDirective } from '../../src/conf/directives.js';
import { WAITING_DIRECTIVES } from '../../src/conf/waiting.js';
import { repoRoot } from '../support/peers.js';
import { readRepo, trackedFiles } from '../support/tree.js';

/** Fields of the configuration whose name is not the directive's. */
const FIELD: Readonly<Record<string, string>> = {
  refclock: 'refclocks',
  server: 'sources',
  pool: 'sources',
  peer: 'sources',
  sourcedir: 'sourcedirs',
  bindacqaddress: 'bindacqaddress4',
  bindaddress: 'bindaddress4',
  bindcmdaddress: 'bindcmdaddress4',
  broadcast: 'broadcasts',
  allow: 'access',
  deny: 'access',
  cmdallow: 'access',
  cmddeny: 'access',
  maxclockerror: 'maxclockerrorPpm',
  maxdrift: 'maxdriftPpm',
  maxslewrate: 'maxslewratePpm',
  maxupdateskew: 'maxupdateskewPpm',
  sched_priority: 'schedPriority',
  lock_all: 'lockAll',
  maxntsconnections: 'maxconnections',
  ntsaeads: 'aeads',
  ntsservercert: 'certs',
  ntstrustedcerts: 'trustedcerts',
  ntsntpserver: 'ntpserver',
};
/** Done while the configuration is read, without a field; or, among the waiting ones, with a field of a common name. */
const NO_FIELD = /^(include|confdir|dumponexit|commandkey|generatecommandkey|linux_\w+)$/;
const COMMON = /^(nts(serverkey|port|processes|dumpdir|cachedir|rotate|refresh|ratelimit))$/;

const withoutComments = (code: string): string => code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

describe('docs/chrony.md', () => {
  it('has the tables that the code has (scripts/write-chrony-table.mjs)', () => {
    const text = readFileSync(join(repoRoot, 'docs/chrony.md'), 'utf8');
    assert.equal(text, withTables(text));
  });

  it('a directive is done where code outside of the language uses it, and waits where none does', (t) => {
    const files = trackedFiles();
    if (files === undefined) return t.skip('not a git checkout');
    // ntpsupport.ts names what has no effect.
    const uses = /^src\/(?!conf\/|app\/cli\/|app\/daemon\/ntpsupport)/;
    const outside = files.filter((f) => uses.test(f) && f.endsWith('.ts'));
    const words = new Set(outside.flatMap((f) => withoutComments(readRepo(f)).match(/\w+/g) ?? []));
    const wrong = DIRECTIVES.map((d) => d.name)
      .filter((name) => !NO_FIELD.test(name) && !COMMON.test(name))
      .filter((name) => words.has(FIELD[name] ?? name) === Object.hasOwn(WAITING_DIRECTIVES, name));
    assert.deepEqual(wrong, [], 'directives whose state in src/conf/waiting.ts is not true');
  });

  it('nothing waits that is not there', () => {
    assert.deepEqual(
      Object.keys(WAITING_DIRECTIVES).filter((name) => findDirective(name) === undefined),
      [],
    );
  });
});
