import type { FileAccess } from '../../../src/conf/files.js';

/** A file system in memory: paths to texts. */
export const memoryFiles = (texts: Readonly<Record<string, string>>): FileAccess => ({
  read: (path) => texts[path],
  list: (directory) => {
    const prefix = directory === '.' ? '' : directory.endsWith('/') ? directory : `${directory}/`;
    const names = Object.keys(texts)
      .filter((path) => path.startsWith(prefix) && path.length > prefix.length)
      .map((path) => path.slice(prefix.length).split('/')[0]!);
    return [...new Set(names)].filter((name) => name !== '');
  },
});

export const NO_FILES = memoryFiles({});
export const TIMEBALL = { chronyNames: false };
