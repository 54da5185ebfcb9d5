import { lookup } from 'node:dns/promises';
import type { Resolver } from '../ports/ntpclient.js';

/** ms. Whoever asks tries again later; a name server that never answers must not keep him. */
const TIMEOUT_MS = 30_000;

/** The system's own way of resolving names (hosts file, name servers). `only`: the families that the daemon may use. */
export class SystemResolver implements Resolver {
  constructor(private readonly only: readonly (4 | 6)[]) {}

  async resolve(name: string, family: 4 | 6 | undefined): Promise<readonly string[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<readonly string[]>((done) => {
      timer = setTimeout(() => done([]), TIMEOUT_MS);
      timer.unref();
    });
    const answer = lookup(name, { all: true, family: family ?? 0 }).then(
      (found) => found.filter((a) => this.only.includes(a.family as 4 | 6)).map((a) => a.address),
      // Not known, or nobody to ask: both are no addresses.
      () => [],
    );
    const addresses = await Promise.race([answer, late]);
    clearTimeout(timer);
    return [...new Set(addresses)];
  }
}
