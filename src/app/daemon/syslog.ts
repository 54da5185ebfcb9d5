import { instant } from '../../base/time.js';
import type { Native } from '../../devices/native.js';
import { isJournal, openLog, type Syslog } from '../../observe/log.js';
import { SYSLOG_PRIORITY } from '../../observe/severity.js';
import { startLine } from './lastwords.js';
import type { DaemonOptions } from './options.js';

/** The system log's socket. The path is fixed, as syslog(3)'s. */
const DEV_LOG = '/dev/log';

/** Throws when nobody listens there. */
export const openSyslog = (native: Native, program: string): Syslog => new native.Syslog(DEV_LOG, program);

/**
 * The reason of a start that failed, in the log that the options name, a file or the system log; stderr is told anyway.
 * What goes wrong with that is nobody's concern any more.
 */
export const logFatal = async (options: DaemonOptions, program: string, text: string): Promise<void> => {
  const { logFile: file, logJson, logToStderr, minSeverity } = options;
  try {
    if (file !== undefined) {
      const log = openLog({ format: logJson ? 'json' : 'text', file, toStderr: false, minSeverity });
      const at = instant(BigInt(Date.now()) * 1_000_000n);
      log.fact({ severity: 'info', name: 'daemon.start', text: startLine(program), at });
      log.fact({ severity: 'fatal', name: 'daemon.fatal', text, at });
      log.close();
    } else if (!logToStderr && !isJournal(process.env['JOURNAL_STREAM'])) {
      const { loadNative } = await import('../../devices/native.js');
      const syslog = openSyslog(loadNative(), program);
      syslog.write(SYSLOG_PRIORITY.info, startLine(program));
      syslog.write(SYSLOG_PRIORITY.fatal, `Fatal error : ${text}`);
      syslog.close();
    }
  } catch {
    // It has been told on stderr.
  }
};
