import { CodedError } from '../../base/errors.js';
import { add, diff, type Instant, nsToSeconds } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { HardwareConfig, HwTimestampConfig } from '../../conf/config.js';
import { HwClock, type HwMapping, translate } from '../../core/hwclock/hwclock.js';
import { HW_TABLE_BYTES, HwTableWriter } from '../../core/hwclock/table.js';
import type { Native, NativeHardwareStamp, NativePhc } from '../../devices/native.js';
import { type Enabled, enableStamping } from '../../devices/nic.js';
import type { ClientHardware } from '../../devices/ntpclient.js';
import { isBusy, PhcReader } from '../../devices/phc.js';
import { nameOf } from '../../devices/provider.js';
import { messageOf, plainReason } from '../../devices/retry.js';
import type { Effect, Event } from '../../engine/events.js';
import type { Severity } from '../../ports/observer.js';

/** `*`, or `eno*`: every interface of such a name. */
const isPattern = ({ name }: HwTimestampConfig): boolean => name.endsWith('*');
const fits = (name: string, pattern: HwTimestampConfig): boolean => name.startsWith(pattern.name.slice(0, -1));
/** ms from the first reading of a card's clock to the next ones: the first burst of requests is to have its stamps. */
const QUICK_MS = [30, 60, 125, 250, 500];
/** ms from a reading that does not fit to the next. */
const DOUBT_MS = 100;
/** ms between two looks at the interfaces: came, gone, up again, told otherwise by somebody. */
const WATCH_MS = 2000;
/** A mapping says nothing about stamps farther away than so many readings, or this. */
const HORIZON_READINGS = 4;
const MIN_HORIZON: Seconds = 8;
/** s by which a card's stamp may be later than the kernel's of the same packet, and earlier (receive: interrupts are held back). */
const MAX_LATE: Seconds = 0.1;
const MAX_EARLY: Seconds = 20e-6;
const DEFAULT_MBPS = 1000;
/** Bytes of Ethernet, IP and UDP headers; the check sequence behind the frame. */
const HEADERS = { 4: 42, 6: 62 } as const;
const CHECK_SEQUENCE = 4;

export interface HardwareParts {
  readonly config: Pick<HardwareConfig, 'hwtimestamp' | 'hwtstimeout'>;
  readonly native: Native;
  readonly say: (severity: Severity, name: string, text: string) => void;
  /** ms, monotonic. */
  readonly now: () => number;
}

/** The clock of a card; several interfaces may have the same one. */
interface CardClock {
  readonly index: number;
  readonly options: HwTimestampConfig;
  readonly clock: HwClock;
  phc: NativePhc | undefined;
  reader: PhcReader | undefined;
  readonly timer: NodeJS.Timeout;
  lastRead: number;
  usedThen: number;
  /** Told already. */
  failure: string | undefined;
}

interface Card {
  name: string;
  index: number;
  readonly options: HwTimestampConfig;
  clock: CardClock;
  enabled: Enabled;
  speedMbps: number;
  up: boolean;
}

/** Network cards that stamp packets (`hwtimestamp`): switches them on, keeps them on, and knows their clocks. */
export class HardwareStamping implements ClientHardware {
  /** For the packet plane. */
  readonly table: SharedArrayBuffer;
  private readonly writer: HwTableWriter;
  private readonly cards: Card[] = [];
  private readonly clocks: CardClock[] = [];
  /** Names of interfaces that could not be told to stamp. */
  private readonly refused = new Set<string>();
  private watcher: NodeJS.Timeout | undefined;
  private used = 0;
  private stopped = false;

  constructor(
    private readonly parts: HardwareParts,
    table = new SharedArrayBuffer(HW_TABLE_BYTES),
  ) {
    this.table = table;
    this.writer = new HwTableWriter(table);
  }

  get timeoutMs(): number {
    return this.parts.config.hwtstimeout * 1000;
  }

  /** While privileges are there. Throws for an interface that is named and cannot stamp, as chronyd does. */
  open(): void {
    for (const options of this.parts.config.hwtimestamp) {
      if (isPattern(options)) continue;
      try {
        this.enable(options.name, options);
      } catch (error) {
        const text = `Could not enable HW timestamping on ${options.name} : ${plainReason(messageOf(error))}`;
        throw new CodedError('ERR_TB_DEVICE_UNSUPPORTED', text, { cause: error });
      }
    }
    this.enableAny();
    this.publish();
    this.watcher = setInterval(() => this.watch(), WATCH_MS);
    this.watcher.unref();
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.watcher);
    for (const clock of this.clocks) this.close(clock);
  }

  /** What was done to the system clock, by us and (steps) by others; `now` on the clock before it. */
  follow(event: Event, effects: readonly Effect[], now: Instant): void {
    // Late: what was taken to have happened at once has put the clock off.
    let changed = event.kind === 'clock-jump' || event.kind === 'frequency-late';
    if (event.kind === 'clock-jump' || event.kind === 'frequency-late') this.each((c) => c.stepped(event.offset));
    for (const effect of effects) {
      if (effect.kind === 'step-clock') this.each((clock) => clock.stepped(effect.offset));
      else if (effect.kind === 'set-frequency') this.each((clock) => clock.slewed(now, effect.change ?? 0));
      else continue;
      changed = true;
    }
    if (changed) this.publish();
  }

  private each(act: (clock: HwClock) => void): void {
    for (const { clock } of this.clocks) act(clock);
  }

  transmits(ifindex: number): boolean {
    const card = this.cards.find((c) => c.index === ifindex);
    return card !== undefined && mappingOf(card) !== undefined;
  }

  sent(stamp: NativeHardwareStamp, kernel: Instant): Instant | undefined {
    const card = this.cardOf(stamp.interface);
    const time = card && this.toSystem(card, stamp.time);
    if (time === undefined || Math.abs(diff(time, kernel)) > MAX_LATE) return undefined;
    this.used++;
    return add(time, card!.options.txcomp);
  }

  /** As chrony: the stamp is taken at the frame's start, and moved to its end, where the kernel's and other servers' are. */
  received(stamp: NativeHardwareStamp, kernel: Instant, bytes: number, family: 4 | 6): Instant | undefined {
    const card = this.cardOf(stamp.interface);
    const start = card && this.toSystem(card, stamp.time);
    if (start === undefined) return undefined;
    const frame = (stamp.length > 0 ? stamp.length : bytes + HEADERS[family]) + CHECK_SEQUENCE;
    const time = add(start, (frame * 8e-6) / card!.speedMbps - card!.options.rxcomp);
    const late = diff(kernel, time);
    if (late < -MAX_EARLY || late > MAX_LATE) return undefined;
    this.used++;
    return time;
  }

  private cardOf(ifindex: number): Card | undefined {
    return ifindex === 0 && this.cards.length === 1 ? this.cards[0] : this.cards.find((c) => c.index === ifindex);
  }

  private toSystem(card: Card, stamp: bigint): Instant | undefined {
    const mapping = mappingOf(card);
    if (mapping === undefined) return undefined;
    const away = Math.abs(nsToSeconds(stamp - mapping.phc));
    return away > horizonOf(card.clock.options) ? undefined : translate(mapping, stamp);
  }

  private enable(name: string, options: HwTimestampConfig): void {
    const { native } = this.parts;
    const { index, up, speedMbps } = native.linkInfo(name);
    const enabled = enableStamping(native, name, options);
    const clock = this.clockOf(enabled.phcIndex, options);
    this.cards.push({ name, index, options, clock, enabled, up, speedMbps: speedMbps || DEFAULT_MBPS });
    this.tell(name, enabled);
  }

  private tell(name: string, { txOnly, choice, provider }: Enabled): void {
    const whose = choice && provider !== undefined ? `, provider ${nameOf(provider)}` : '';
    this.parts.say(
      'info',
      'hardware.enabled',
      `Enabled HW timestamping ${txOnly ? '(TX only) ' : ''}on ${name}${whose}`,
    );
  }

  /** Patterns: what can stamp, and is not there yet. */
  private enableAny(): void {
    const patterns = this.parts.config.hwtimestamp.filter(isPattern);
    if (patterns.length === 0) return;
    const all = this.parts.native.interfaces();
    for (const name of this.refused) if (!all.some((i) => i.name === name)) this.refused.delete(name);
    for (const { name, index } of all) {
      const options = patterns.find((pattern) => fits(name, pattern));
      if (options === undefined || this.refused.has(name) || this.cards.some((c) => c.index === index)) continue;
      try {
        this.enable(name, options);
      } catch {
        // Most interfaces cannot: that is no news.
        this.refused.add(name);
      }
    }
  }

  private clockOf(index: number, options: HwTimestampConfig): CardClock {
    const known = this.clocks.find((c) => c.index === index);
    if (known !== undefined) return known;
    const { minsamples, maxsamples, precision } = options;
    const clock: CardClock = {
      index,
      options,
      clock: new HwClock({ minSamples: minsamples, maxSamples: maxsamples, precision }),
      phc: undefined,
      reader: undefined,
      timer: setInterval(() => this.tick(clock), 2 ** options.minpoll * 1000),
      lastRead: Number.NEGATIVE_INFINITY,
      usedThen: 0,
      failure: undefined,
    };
    clock.timer.unref();
    // Now, while we may; errors are those of an interface that cannot be used.
    this.openClock(clock);
    this.clocks.push(clock);
    this.read(clock);
    for (const ms of QUICK_MS)
      if (ms < 2 ** options.minpoll * 1000) setTimeout(() => this.tick(clock, true), ms).unref();
    return clock;
  }

  /** Another provider of stamps has a clock of its own, and what comes anew may have another number. */
  private changeClock(card: Card, index: number): void {
    const { clock } = card;
    if (clock.index === index) return;
    card.clock = this.clockOf(index, card.options);
    if (this.cards.some((c) => c.clock === clock)) return;
    this.close(clock);
    this.clocks.splice(this.clocks.indexOf(clock), 1);
  }

  private close(clock: CardClock): void {
    clearInterval(clock.timer);
    clock.phc?.close();
    clock.phc = undefined;
  }

  private openClock(clock: CardClock): void {
    const phc = new this.parts.native.Phc(`/dev/ptp${clock.index}`, false);
    clock.phc = phc;
    clock.reader = new PhcReader(phc, { noCrossts: clock.options.nocrossts });
  }

  /** Reads at 2^minpoll s while stamps are used, at 2^maxpoll s otherwise. */
  private tick(clock: CardClock, first = false): void {
    if (this.stopped || !this.clocks.includes(clock)) return;
    const used = (this.writer.used + this.used) | 0;
    const idle = used === clock.usedThen && clock.clock.mapping() !== undefined;
    const elapsed = (this.parts.now() - clock.lastRead) / 1000;
    if (!first && idle && elapsed < 2 ** clock.options.maxpoll * 0.99) return;
    clock.usedThen = used;
    this.read(clock);
    this.publish();
  }

  private read(clock: CardClock): void {
    clock.lastRead = this.parts.now();
    try {
      if (clock.phc === undefined) this.openClock(clock);
      const verdict = clock.clock.add(clock.reader!.readAll());
      // A slip, or a jump? The next reading tells.
      if (verdict === 'outlier') setTimeout(() => this.tick(clock, true), DOUBT_MS).unref();
      if (verdict === 'reset') {
        const text = `Network card clock /dev/ptp${clock.index} or system clock has jumped`;
        this.parts.say('info', 'hardware.reset', `${text}: measured anew`);
      }
      clock.failure = undefined;
    } catch (error) {
      this.failed(clock, error);
    }
  }

  private failed(clock: CardClock, error: unknown): void {
    const reason = messageOf(error);
    // Told once; the mapping grows old, and then the kernel's stamps are used.
    if (clock.failure !== reason) {
      this.parts.say('error', 'hardware.unreadable', `Could not read /dev/ptp${clock.index} : ${reason}`);
    }
    clock.failure = reason;
    // Busy for a moment, or removed: what is open then stands for nothing any more.
    if (isBusy(error)) return;
    clock.phc?.close();
    clock.phc = undefined;
  }

  /** Interfaces are found again by number after a change of name, by name when they come anew. */
  private watch(): void {
    let all: { index: number; name: string }[];
    try {
      all = this.parts.native.interfaces();
    } catch {
      return;
    }
    for (const card of this.cards) {
      const here = all.find((i) => i.index === card.index) ?? all.find((i) => i.name === card.name);
      if (here === undefined) continue;
      const isNew = here.index !== card.index;
      card.name = here.name;
      card.index = here.index;
      this.look(card, isNew);
    }
    this.enableAny();
    this.publish();
  }

  /** Drivers forget what they were told when they are reset, many of them whenever the interface goes down. */
  private look(card: Card, isNew: boolean): void {
    const { native, say } = this.parts;
    try {
      const { up, speedMbps } = native.linkInfo(card.name);
      const returned = up && !card.up;
      card.up = up;
      card.speedMbps = speedMbps || card.speedMbps;
      const enabled = enableStamping(native, card.name, card.options, card.enabled.provider);
      const other = enabled.phcIndex !== card.enabled.phcIndex;
      card.enabled = enabled;
      this.changeClock(card, enabled.phcIndex);
      if (enabled.changed || isNew || returned || other) this.tell(card.name, enabled);
      this.refused.delete(card.name);
    } catch (error) {
      if (this.refused.has(card.name)) return;
      this.refused.add(card.name);
      say(
        'error',
        'hardware.lost',
        `Could not enable HW timestamping on ${card.name} : ${plainReason(messageOf(error))}`,
      );
    }
  }

  private publish(): void {
    this.writer.write(
      this.cards.map((card) => ({
        ifindex: card.index,
        transmits: true,
        mapping: mappingOf(card),
        horizon: horizonOf(card.clock.options),
        rxComp: card.options.rxcomp,
        txComp: card.options.txcomp,
        speedMbps: card.speedMbps,
      })),
    );
  }
}

/** Undefined also while the clock that the card has now cannot be opened. */
const mappingOf = ({ clock, enabled }: Card): HwMapping | undefined =>
  clock.index === enabled.phcIndex ? clock.clock.mapping() : undefined;
const horizonOf = ({ maxpoll }: HwTimestampConfig): Seconds => Math.max(MIN_HORIZON, HORIZON_READINGS * 2 ** maxpoll);
