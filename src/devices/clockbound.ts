import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CodedError } from '../base/errors.js';
import {
  CLOCKBOUND,
  type ClockBoundRecord,
  encodeClockBound,
  encodeClockBoundHeader,
  writingGeneration,
} from '../wire/clockbound.js';
import type { Native } from './native.js';
import { messageOf } from './retry.js';

/** <time.h>; the addon takes numbers for clocks it has no name for. */
const CLOCK_MONOTONIC_COARSE = 6;

/** The clock of the file's time stamps, ns. */
export const monotonicCoarse = (native: Native): bigint => native.clockGettime(CLOCK_MONOTONIC_COARSE);

/**
 * The writer of a ClockBound file. Clients map it; we write with pwrite(2): on Linux a file's mapped pages are its page
 * cache, so what is written is what they see, at once. Between two writes of one file the kernel gives up and takes the
 * inode's lock, and that orders them for other processors. So the protocol is three writes: odd generation, record, even
 * generation; a client that saw the same even generation before and after its copy has a whole record.
 *
 * The file outlives us and is taken over by the next start, generation included: clients keep their mapping.
 */
export class ClockBoundFile {
  private readonly fd: number;
  private generation: number;
  private readonly word = new Uint8Array(2);

  /** Throws ERR_TB_SYSCALL, also for a file that is something else. */
  constructor(path: string) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      this.fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
    } catch (error) {
      throw new CodedError('ERR_TB_SYSCALL', `Could not open ${path} : ${messageOf(error)}`, { cause: error });
    }
    try {
      this.generation = this.takeOver(path);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  write(record: ClockBoundRecord): void {
    const odd = writingGeneration(this.generation);
    this.setGeneration(odd);
    writeSync(this.fd, encodeClockBound(record), 0, CLOCKBOUND.SIZE - CLOCKBOUND.HEADER, CLOCKBOUND.HEADER);
    this.setGeneration(odd + 1);
  }

  close(): void {
    closeSync(this.fd);
  }

  private setGeneration(generation: number): void {
    this.generation = generation;
    this.word[0] = generation & 0xff;
    this.word[1] = generation >> 8;
    writeSync(this.fd, this.word, 0, 2, CLOCKBOUND.GENERATION);
  }

  /** Generation to go on from; 0 for a new file. Never shortens a file: that would kill who has it mapped (SIGBUS). */
  private takeOver(path: string): number {
    const header = encodeClockBoundHeader();
    const { size } = fstatSync(this.fd);
    const found = new Uint8Array(CLOCKBOUND.HEADER);
    const n = readSync(this.fd, found, 0, found.length, 0);
    // Empty, or left so by a start that came no further.
    if (size === 0 || (size === CLOCKBOUND.SIZE && found.every((byte) => byte === 0))) {
      // Whatever the umask: clients are other users.
      fchmodSync(this.fd, 0o644);
      // As long as the generation is 0 clients wait.
      ftruncateSync(this.fd, CLOCKBOUND.SIZE);
      writeSync(this.fd, header, 0, header.length, 0);
      return 0;
    }
    if (size < CLOCKBOUND.SIZE || n < found.length || !header.every((byte, i) => byte === found[i])) {
      throw new CodedError('ERR_TB_SYSCALL', `${path} is not a ClockBound file of version ${CLOCKBOUND.VERSION}`);
    }
    return found[CLOCKBOUND.GENERATION]! | (found[CLOCKBOUND.GENERATION + 1]! << 8);
  }
}
