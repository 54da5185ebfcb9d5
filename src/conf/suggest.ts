import { DIRECTIVES } from './directives.js';

/** More edits than this are another word. */
const MAX_EDITS = 2;

/** Edit distance with neighbours swapped (optimal string alignment); two rows of memory are not worth the words here. */
export function editDistance(a: string, b: string): number {
  const d: number[][] = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 1; j <= b.length; j++) d[0]![j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(d[i - 1]![j]! + 1, d[i]![j - 1]! + 1, d[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, d[i - 2]![j - 2]! + 1);
      d[i]![j] = best;
    }
  }
  return d[a.length]![b.length]!;
}

/** The name that a word was probably meant to be; undefined when none is near. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  // The longest directive has 18 letters; a long word costs no time.
  if (word.length > 24) return undefined;
  let best: { name: string; edits: number } | undefined;
  for (const name of names) {
    const edits = editDistance(word, name);
    const limit = Math.min(MAX_EDITS, Math.floor(name.length / 3));
    if (edits <= limit && (best === undefined || edits < best.edits)) best = { name, edits };
  }
  return best?.name;
}

const NAMES: readonly string[] = DIRECTIVES.map(({ name }) => name);

/** "did you mean X?" for a word that is no directive; undefined when nothing is near. */
export function suggest(name: string): string | undefined {
  const near = nearest(name.toLowerCase(), NAMES);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}
