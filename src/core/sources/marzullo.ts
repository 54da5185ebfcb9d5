/**
 * Which interval do most sources agree on?
 *
 * Every source says "true time lies within [lo, hi]". The interval contained in the largest number of theirs is found
 * by one sweep over the sorted end points, counting how many intervals are open (Keith Marzullo, "Maintaining the Time
 * in a Distributed System", Stanford 1984; RFC 5905, 11.2.1).
 *
 * Why not simpler? The median offset ignores that one source is good to 100 ns and another to 100 ms: two bad ones
 * outvote a good one whose value both their intervals contain. The mean is moved by any liar as far as he likes.
 * Why not NTP's own refinement (midpoints within the intersection)? It needs the midpoints of truechimers inside the
 * result, which a precise pulse source beside vague sentences rarely grants; chrony does without, so its users' sets
 * of sources are tuned to the plain form.
 *
 * Trusted sources come first: where there are any, only an overlap of the largest number of trusted ones counts.
 */
export interface Claim {
  readonly lo: number;
  readonly hi: number;
  readonly trusted: boolean;
}

export interface Agreement {
  readonly lo: number;
  readonly hi: number;
  /** Sources whose claims contain the interval. */
  readonly depth: number;
  /** Trusted ones among them. */
  readonly trustDepth: number;
}

interface EndPoint {
  readonly value: number;
  readonly opens: boolean;
  readonly trusted: boolean;
}

/** Of several equally deep intervals the lowest. Undefined without claims. Touching claims agree in one point. */
export const agree = (claims: readonly Claim[]): Agreement | undefined => {
  const points: EndPoint[] = claims.flatMap(({ lo, hi, trusted }) => [
    { value: lo, opens: true, trusted },
    { value: hi, opens: false, trusted },
  ]);
  points.sort((a, b) => a.value - b.value || Number(b.opens) - Number(a.opens));
  let depth = 0;
  let trust = 0;
  let best: { lo: number; hi: number; depth: number; trustDepth: number } | undefined;
  let open = false;
  for (const p of points) {
    if (p.opens) {
      depth++;
      if (p.trusted) trust++;
      if (!best || trust > best.trustDepth || (trust === best.trustDepth && depth > best.depth)) {
        best = { lo: p.value, hi: p.value, depth, trustDepth: trust };
        open = true;
      }
    } else {
      if (best && open) best.hi = p.value;
      open = false;
      depth--;
      if (p.trusted) trust--;
    }
  }
  return best;
};

/** A truechimer's claim contains the agreed interval, or lies inside it. */
export const isTruechimer = (claim: Claim, agreed: Agreement): boolean =>
  (claim.lo <= agreed.lo && claim.hi >= agreed.hi) || (claim.lo >= agreed.lo && claim.hi <= agreed.hi);
