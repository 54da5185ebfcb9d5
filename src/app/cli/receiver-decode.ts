import { closeSync, openSync, readSync } from 'node:fs';
import { fromUnix, type Instant, instant, toIso } from '../../base/time.js';
import { ReceiverDecoder } from '../../wire/receiver/decoder.js';
import type { TimeMessage } from '../../wire/timemessage.js';
import { CommentFilter } from './comment-filter.js';

/** Where a command writes; `process` fits. */
export interface Io {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

const USAGE = 'usage: timeball receiver decode FILE [--json] [--now ISO-DATE]   (FILE - is standard input)\n';
const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_NO_DATA = 2;
const EXIT_USAGE = 64;
const CHUNK = 65_536;
/** A file has no arrival times: it is fed in small cuts with the times of a 9600 baud line that is never silent. */
const CUT = 32;
const BYTE_NS = 1_000_000_000n / 960n;

interface Arguments {
  readonly file: string;
  readonly json: boolean;
  readonly now: Instant;
}

const parseNow = (text: string | undefined): Instant | undefined => {
  if (text === undefined || !/^\d{4}-\d\d-\d\d/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : instant(BigInt(ms) * 1_000_000n);
};

const parseArguments = (argv: readonly string[]): Arguments | undefined => {
  let [file, json]: [string | undefined, boolean] = [undefined, false];
  let now: Instant | undefined = fromUnix(Math.floor(Date.now() / 1000));
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg === '--json') json = true;
    else if (arg === '--now') now = parseNow(argv[++i]);
    else if (arg.startsWith('--now=')) now = parseNow(arg.slice(6));
    else if (file === undefined && (arg === '-' || !arg.startsWith('-'))) file = arg;
    else return undefined;
    if (now === undefined) return undefined;
  }
  return file === undefined || now === undefined ? undefined : { file, json, now };
};

/** The second :60 has no instant of its own: it is printed as people and receivers write it. */
const utcText = (message: TimeMessage): string | null => {
  if (message.utc === undefined) return null;
  if (!message.leapSecond) return toIso(message.utc, 3);
  return toIso(instant(message.utc - 1_000_000_000n), 3).replace(/:59(?=\.\d{3}Z$)/, ':60');
};

const jsonLine = (m: TimeMessage): string =>
  JSON.stringify({
    utc: utcText(m),
    valid: m.valid,
    from: m.from,
    leap: m.leapPending ?? null,
    leapSecond: m.leapSecond,
    gpsUtcLeap: m.gpsUtcLeap ?? null,
    rolloverRepaired: m.rolloverRepaired,
    accuracy: m.accuracy ?? null,
    satellitesUsed: m.satellitesUsed ?? null,
    satellitesVisible: m.satellitesVisible ?? null,
  });

const plainLine = (m: TimeMessage): string => {
  const notes = [
    m.rolloverRepaired ? 'week rollover repaired' : '',
    m.leapPending === undefined || m.leapPending === 0 ? '' : `leap second ${m.leapPending > 0 ? 'insert' : 'delete'}`,
    m.satellitesUsed === undefined ? '' : `${m.satellitesUsed} satellites`,
  ].filter((note) => note !== '');
  const utc = (utcText(m) ?? '-').padEnd(24);
  return `${utc}  ${m.valid ? 'valid' : 'void '}  ${m.from.padEnd(7)}  ${notes.join(', ')}`.trimEnd();
};

/** Reads the file piece by piece: a capture may be as long as it likes. */
const readPieces = function* (file: string): Generator<Uint8Array> {
  const fd = file === '-' ? 0 : openSync(file, 'r');
  try {
    const buffer = new Uint8Array(CHUNK);
    for (;;) {
      const n = readSync(fd, buffer, 0, CHUNK, null);
      if (n === 0) return;
      yield buffer.subarray(0, n);
    }
  } finally {
    if (fd !== 0) closeSync(fd);
  }
};

const summary = (decoder: ReceiverDecoder): string => {
  const reasons = [...decoder.counters.rejects].sort(([a], [b]) => (a < b ? -1 : 1));
  return reasons.map(([reason, n]) => `rejected ${reason} ${n}\n`).join('');
};

/**
 * `timeball receiver decode FILE [--json] [--now ISO-DATE]`: one line an epoch, rejected input counted by reason on
 * stderr. `--now` is what two-digit years and week numbers are read against (default: this host's date).
 * @returns 0 epochs were found · 1 the file cannot be read · 2 no epoch in it · 64 usage
 */
export const receiverDecode = (argv: readonly string[], io: Io): number => {
  const args = parseArguments(argv);
  if (args === undefined) {
    io.stderr.write(USAGE);
    return EXIT_USAGE;
  }
  const decoder = new ReceiverDecoder({ now: args.now });
  const filter = new CommentFilter();
  const line = args.json ? jsonLine : plainLine;
  let epochs = 0;
  const show = (messages: readonly TimeMessage[]) => {
    epochs += messages.length;
    if (messages.length > 0) io.stdout.write(messages.map((m) => `${line(m)}\n`).join(''));
  };
  try {
    let at = args.now;
    for (const piece of readPieces(args.file)) {
      const bytes = filter.pass(piece);
      for (let i = 0; i < bytes.length; i += CUT) {
        show(decoder.push(bytes.subarray(i, i + CUT), at));
        at = instant(at + BigInt(CUT) * BYTE_NS);
      }
    }
  } catch (error) {
    io.stderr.write(`timeball: cannot read ${args.file}: ${(error as Error).message}\n`);
    return EXIT_FAILED;
  }
  show(decoder.end());
  io.stderr.write(summary(decoder));
  return epochs > 0 ? EXIT_OK : EXIT_NO_DATA;
};
