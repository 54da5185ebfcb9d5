import { readFileSync } from 'node:fs';
import { CodedError } from '../../base/errors.js';
import type { ProcessConfig } from '../../conf/config.js';
import type { Owner } from '../../control/cmdmon/directory.js';
import type { Native } from '../../devices/native.js';
import { messageOf, plainReason } from '../../devices/retry.js';
import type { DaemonOptions } from './options.js';

/** uid and gid of a user's name in /etc/passwd; undefined when there is none. */
const lookUp = (user: string): Owner | undefined => {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((l) => l.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
};

/** Who the daemon will be once it has started: itself, unless root named a run-time user. Throws ERR_TB_PRIVILEGE. */
export const runtimeOwner = (user: string | undefined): Owner => {
  const self = { uid: process.getuid!(), gid: process.getgid!() };
  if (user === undefined || user === 'root' || self.uid !== 0) return self;
  const ids = lookUp(user);
  if (ids === undefined) throw new CodedError('ERR_TB_PRIVILEGE', `Could not get user/group ID of ${user}`);
  return ids;
};

/**
 * Becomes the run-time user with his groups (devices are opened by group), keeping what the daemon still needs: the
 * clock (not with `-x`), ports that a live `allow` may open and, with `hwtimestamp`, telling a network card to stamp once more
 * when it comes up again. Only the calling thread keeps them: the packet plane's threads have none.
 */
export const dropPrivileges = (native: Native, owner: Owner, controlClock: boolean, stamping: boolean): void => {
  if (owner.uid === process.getuid!()) return;
  // A container may be without it, with a card that was told by somebody else.
  const telling = stamping && native.capabilities.effective().includes('net_admin');
  const keep = ['net_bind_service', ...(controlClock ? ['sys_time'] : []), ...(telling ? ['net_admin'] : [])];
  native.capabilities.dropTo(owner.uid, owner.gid, keep);
};

/** sched(7); chronyd takes 100, too, and is then refused. */
const MAX_PRIORITY = 100;

/** Priority and memory, as asked for. What the system refuses is returned in words: the daemon goes on without (as chronyd). */
export const useRealTime = (native: Native, options: DaemonOptions, config: ProcessConfig): readonly string[] => {
  const refused: string[] = [];
  const attempt = (what: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      const reason = messageOf(error);
      // Locking memory asks for the limit first.
      const call = reason.endsWith(', setrlimit') ? 'setrlimit()' : what;
      refused.push(`${call} failed : ${plainReason(reason)}`);
    }
  };
  const priority = options.priority ?? config.schedPriority;
  if (priority < 0 || priority > MAX_PRIORITY) {
    throw new CodedError('ERR_TB_USAGE', `Bad scheduler priority: ${priority}`);
  }
  if (priority > 0) attempt('sched_setscheduler()', () => native.scheduleFifo(priority));
  if (options.lockMemory || config.lockAll) attempt('mlockall()', () => native.lockMemory());
  return refused;
};
