/** How conf sees files: injected, so that the room stays pure and tests need no disk. */
export interface FileAccess {
  /** The file's text; undefined when it is not there. Throws CodedError('ERR_TB_CONFIG_FILE') when it cannot be read. */
  read(path: string): string | undefined;
  /** Names in a directory, in any order, '.' and '..' left out; [] when it is not there or not a directory. */
  list(directory: string): readonly string[];
}
