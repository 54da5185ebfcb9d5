/** The messages that people watch for, side by side: the same story told to both daemons, and what they say of it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadNative, type NativeDatagram } from '../../src/devices/native.js';
import { encodeSock } from '../../src/wire/refclock/sock.js';
import { linkTo, peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, type Running, testDir } from '../support/daemon.js';
import { peersRequired } from '../support/peers.js';

after(cleanUp);

const SOURCES = ['AAA', 'BBB', 'CCC'] as const;
const CONFIG = [
  'port 0',
  'logchange 0.1',
  ...SOURCES.map((id) => `refclock SOCK @DIR@/${id}.sock refid ${id} poll 0 filter 1 delay 0.001`),
];

/** What is compared: the text, its figures masked. */
const WATCHED =
  /(Selected source|Can't synchronise|Detected falseticker|System clock wrong by|System clock was stepped).*/;

const told = (daemon: Running): string[] => [
  ...new Set(
    daemon
      .log()
      .split('\n')
      .flatMap((line) => WATCHED.exec(line)?.[0] ?? [])
      // The figures differ, and so may which of the good ones is selected; since 4.7 the reason stands in parentheses.
      .map((text) =>
        text
          .replace(/-?\d+\.\d+/g, '#')
          .replace(/(source|falseticker) [ABC]{3}/, '$1 X')
          .replace(/ \(.*\)$/, ''),
      ),
  ),
];

/** Ten samples a second for each source of both daemons: the clock is `offsets` s slow. */
class Feeder {
  private readonly socket: NativeDatagram;
  private readonly timer: NodeJS.Timeout;
  offsets: readonly (number | undefined)[] = [];

  constructor(private readonly daemons: readonly Running[]) {
    this.socket = new (loadNative().Datagram)(join(testDir(), 'feeder.sock'), { unlink: true });
    this.timer = setInterval(() => this.feed(), 100);
  }

  private feed(): void {
    const now = Date.now();
    const stamp = { sec: BigInt(Math.floor(now / 1000)), usec: (now % 1000) * 1000, pulse: false, leap: 0 };
    for (const [i, offset] of this.offsets.entries()) {
      if (offset === undefined) continue;
      const bytes = encodeSock({ ...stamp, offset });
      for (const { dir } of this.daemons) this.socket.send(bytes, join(dir, `${SOURCES[i]}.sock`));
    }
  }

  close(): void {
    clearInterval(this.timer);
    this.socket.close();
  }
}

describe('the journal, side by side', { timeout: 180_000 }, () => {
  it('selected, wrong clock, falseticker, no majority, nothing left', async (t) => {
    const { chronyd } = peerSet('chrony-trixie');
    if (!existsSync(chronyd)) {
      if (peersRequired())
        throw new Error('peer set chrony-trixie is required and not installed (scripts/install-peers)');
      return t.skip('peer set chrony-trixie is not installed');
    }
    const both = [await startChronyd(chronyd, CONFIG), await startChronyd(linkTo('chronyd'), CONFIG)] as const;
    const feeder = new Feeder(both);
    const step = async (offsets: readonly (number | undefined)[], pattern: RegExp): Promise<void> => {
      feeder.offsets = offsets;
      for (const daemon of both) await daemon.logged(pattern);
      await sleep(1000);
    };
    try {
      await step([0.25, 0.25, 0.25], /System clock wrong by 0\.2/);
      await step([0.25, 0.25, 5], /Detected falseticker CCC/);
      await step([0.25, -3, 5], /Can't synchronise: no majority/);
      await step([0.25, 0.25, 0.25], /no majority[\s\S]*Selected source/);
      await step([], /Can't synchronise: no selectable sources/);
    } finally {
      feeder.close();
    }
    const [theirs, ours] = both.map(told);
    assert.deepEqual([...ours!].sort(), [...theirs!].sort());
  });
});
