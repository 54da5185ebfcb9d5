import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { CodedError, plainReason } from '../../base/errors.js';
import type { FileAccess } from '../../conf/files.js';
import { CONFIG_FILES } from './options.js';

/** The first configuration file that is there; else the first that was looked for, so that the error names it. */
export const findConfigFile = (chronyNames: boolean): string => {
  const candidates = CONFIG_FILES[chronyNames ? 'chrony' : 'timeball'];
  return candidates.find((path) => existsSync(path)) ?? candidates[0];
};

/** Configuration files on disk. */
export const readConfigFiles: FileAccess = {
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined;
      const text = `Could not open ${path} : ${plainReason((error as Error).message)}`;
      throw new CodedError('ERR_TB_CONFIG_FILE', text, { cause: error });
    }
  },
  list(directory) {
    try {
      return readdirSync(directory);
    } catch {
      return [];
    }
  },
};
