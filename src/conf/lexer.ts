/**
 * chrony.conf's lexical rules: one directive a line, at most 2048 characters, white space only separates, and a
 * comment is a line whose first non-blank character is one of `! ; # %` (there are no trailing comments).
 */

/** chronyd's buffer, the newline and the final NUL included. */
const LINE_BUFFER = 2048;

/** True for a line that chronyd refuses with `String too long`. */
export const isTooLong = (line: string): boolean => line.length > LINE_BUFFER - 1;

/** The words of a line; [] for an empty line or a comment. */
export const splitWords = (line: string): readonly string[] => {
  const words = line.split(/[ \t\n\v\f\r]+/).filter((word) => word !== '');
  return words.length > 0 && '!;#%'.includes(words[0]![0]!) ? [] : words;
};

/** Lines of a file. The newline that ends the last line starts no other. */
export const splitLines = (text: string): readonly string[] => {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
};
