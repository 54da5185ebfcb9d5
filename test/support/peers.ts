/**
 * Other people's daemons and tools, as partners of system tests. They are looked for in TIMEBALL_PEERS (a prefix), in
 * `.peers/` of the checkout (filled by scripts/install-peers) and in PATH. A prefix holds one unpacked package set a
 * folder: PREFIX/<set>/usr/{sbin,bin}.
 */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Root of the checkout, seen from dist/test/support. */
export const repoRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

const BIN_DIRS = ['usr/sbin', 'usr/bin', 'usr/local/sbin', 'usr/local/bin', 'sbin', 'bin', 'lib/systemd'];

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const binDirsBelow = (prefix: string): string[] => {
  if (!existsSync(prefix)) return [];
  const roots = [prefix];
  for (const entry of readdirSync(prefix, { withFileTypes: true })) {
    if (entry.isDirectory()) roots.push(join(prefix, entry.name));
  }
  return roots.flatMap((root) => BIN_DIRS.map((dir) => join(root, dir)));
};

const candidates = (name: string): string[] => {
  const { TIMEBALL_PEERS, PATH } = process.env;
  const dirs = [
    ...(TIMEBALL_PEERS === undefined ? [] : binDirsBelow(TIMEBALL_PEERS)),
    ...binDirsBelow(join(repoRoot, '.peers')),
    // Not everybody's PATH has the system administrator's folders, where daemons live.
    ...(PATH ?? '').split(delimiter).filter((dir) => dir !== ''),
    '/usr/sbin',
    '/sbin',
  ];
  return dirs.map((dir) => join(dir, name));
};

/** Path of a peer's program, undefined when this machine has none. */
export const peer = (name: string): string | undefined => candidates(name).find(isExecutable);

/** Of a certain set: several have a program called `ntpd`. */
const peerOfSet = (set: string, name: string): string | undefined => {
  const prefix = process.env['TIMEBALL_PEERS'] ?? join(repoRoot, '.peers');
  return BIN_DIRS.map((dir) => join(prefix, set, dir, name)).find(isExecutable);
};

/** Is a missing partner a failure (CI) or a skip (a user's machine)? */
export const peersRequired = (): boolean => process.env['TIMEBALL_REQUIRE_PEERS'] === '1';

/**
 * The peer's path; when it is missing the test is skipped by the peer's name, or fails where peers are required. `set`:
 * only from that set of scripts/install-peers.
 * Use: `const chronyd = requirePeer(t, 'chronyd'); if (chronyd === undefined) return;`
 */
export const requirePeer = (t: TestContext, name: string, set?: string): string | undefined => {
  const path = set === undefined ? peer(name) : peerOfSet(set, name);
  if (path !== undefined) return path;
  const full = set === undefined ? name : `${set}/${name}`;
  if (peersRequired()) throw new Error(`peer ${full} is required and not installed (scripts/install-peers)`);
  t.skip(`peer ${full} is not installed`);
  return undefined;
};

/** Environment for a peer out of a prefix: its shared libraries and Python modules stand beside it. */
export const peerEnv = (path: string): NodeJS.ProcessEnv => {
  const lib = join(dirname(path), '..', 'lib');
  // Some packages have theirs in /lib. ntpsec and systemd keep their libraries in folders of their own.
  const libraries = [lib, join(lib, '..', '..', 'lib')].flatMap((dir) => {
    const arch = existsSync(dir) ? readdirSync(dir).filter((entry) => entry.endsWith('-linux-gnu')) : [];
    return [dir, ...arch.flatMap((entry) => ['', 'ntp', 'systemd'].map((part) => join(dir, entry, part)))];
  });
  if (!path.startsWith(join(repoRoot, '.peers')) && !path.startsWith(process.env['TIMEBALL_PEERS'] ?? '\0')) {
    return process.env;
  }
  return {
    ...process.env,
    LD_LIBRARY_PATH: libraries.join(delimiter),
    PYTHONPATH: join(lib, 'python3', 'dist-packages'),
  };
};
