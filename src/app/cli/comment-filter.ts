const HASH = 0x23;
const SPACE = 0x20;
const LF = 0x0a;

/**
 * Takes comment lines out of a capture: every line that begins with `#` at the head of the file, and `# ` at the start
 * of a line further on (a lone `#` there may be a byte of a binary frame). Works on pieces of any size.
 */
export class CommentFilter {
  private head = true;
  private atLineStart = true;
  private skipping = false;
  /** A `#` at a line start, held back until the byte after it tells what it is. */
  private held = false;

  pass(piece: Uint8Array): Uint8Array {
    const out = new Uint8Array(piece.length + 1);
    let n = 0;
    for (const b of piece) {
      if (this.held) {
        this.held = false;
        this.skipping = b === SPACE;
        if (!this.skipping) out[n++] = HASH;
      } else if (this.atLineStart && b === HASH) {
        this.skipping = this.head;
        this.held = !this.head;
      } else if (this.atLineStart) {
        this.head = false;
      }
      if (!this.skipping && !this.held) out[n++] = b;
      this.atLineStart = b === LF;
      if (this.atLineStart) this.skipping = false;
    }
    return out.subarray(0, n);
  }
}
