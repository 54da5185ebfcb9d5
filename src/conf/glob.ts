import type { FileAccess } from './files.js';

const MAGIC = /[*?[]/;

/** One part of a pattern (no slash) as an anchored expression: `*`, `?`, `[a-z]`, `[!a-z]`. */
const toRegExp = (part: string): RegExp => {
  const source = part.replace(/\*+|\?|\[!?\]?[^\]]*\]|[^*?]/g, (token) => {
    if (token.startsWith('*')) return '[^/]*';
    if (token === '?') return '[^/]';
    if (token.length > 1)
      return `[${token
        .slice(1, -1)
        .replace(/^!/, '^')
        .replace(/[\\[\]]/g, '\\$&')}]`;
    return token.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
  });
  try {
    return new RegExp(`^${source}$`);
  } catch {
    // A class such as [z-a] is none: it matches nothing.
    return /^(?!)/;
  }
};

const join = (directory: string, name: string): string => {
  if (directory === '') return name;
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`;
};

/** As the C library's strcmp sorts in the C locale. */
export const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * glob(3) with GLOB_NOMAGIC, as `include` wants it: a pattern without special characters is returned as it stands,
 * whether it is there or not; otherwise the sorted matches, [] for none. A leading dot must be matched by a dot.
 */
export function glob(pattern: string, files: FileAccess): readonly string[] {
  if (!MAGIC.test(pattern)) return [pattern];
  let found: string[] = [pattern.startsWith('/') ? '/' : ''];
  for (const part of pattern.split('/').filter((p) => p !== '')) {
    if (!MAGIC.test(part)) {
      found = found.map((directory) => join(directory, part));
      continue;
    }
    const matches = toRegExp(part);
    found = found.flatMap((directory) =>
      files
        .list(directory === '' ? '.' : directory)
        .filter((name) => matches.test(name) && (part.startsWith('.') || !name.startsWith('.')))
        .map((name) => join(directory, name)),
    );
  }
  return found.sort(byName);
}

/**
 * Files with a suffix from several directories, in the order of their own names; of equal names the file of the
 * directory that was named first is taken, so that a file in /etc can hide one in /usr/lib.
 */
export function filesOf(directories: readonly string[], suffix: string, files: FileAccess): readonly string[] {
  const byBase = new Map<string, string>();
  for (const directory of directories) {
    for (const name of files.list(directory)) {
      if (name.endsWith(suffix) && !name.startsWith('.') && !byBase.has(name)) byBase.set(name, join(directory, name));
    }
  }
  return [...byBase].sort(([a], [b]) => byName(a, b)).map(([, path]) => path);
}
