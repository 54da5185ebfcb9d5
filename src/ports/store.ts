/** Small files that outlive the process (drift, dumps). */
export interface Store {
  /** Undefined when the file is not there; throws a CodedError when it cannot be read. */
  read(path: string): string | undefined;
  /** Replaces the file as a whole: temporary file, fsync, rename; a power cut leaves the old or the new content. */
  writeAtomic(path: string, text: string): void;
}
