import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly help: boolean;
  /** s; undefined = until interrupted. */
  readonly duration: number | undefined;
  /** Run directory; undefined = a temporary one that is removed at the end. */
  readonly dir: string | undefined;
  readonly ntpPort: number;
  /** Standard deviation of a pulse's stamp, s. */
  readonly noise: number;
  /** Seconds after the start at which the receiver is unplugged and plugged in again. */
  readonly unplug: readonly [number, number] | undefined;
}

export const demoUsage = `Usage: npm start [-- OPTION...]          the demo appliance
       npm start -- -f FILE [OPTION...]  the daemon on a real configuration (timeballd's options)

  --duration SECONDS   end after this time; exit status 0 when it was synchronised
  --dir DIR            run directory (socket, configuration, logs); default: a temporary one
  --ntp-port PORT      NTP on 127.0.0.1:PORT; default 11123
  --noise SECONDS      scatter of the simulated pulses' stamps; default 200e-9
  --unplug FROM:TO     unplug the receiver FROM seconds after the start, plug it in again at TO
  --help               this text

Keys: u unplugs the receiver and plugs it in again (without a terminal: SIGUSR1), q quits.
`;

const DEFAULT_PORT = 11_123;

const number = (text: string | undefined, what: string, min: number, max: number): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max))
    throw new RangeError(`${what}: a number from ${min} to ${max}`);
  return value;
};

const span = (text: string | undefined): readonly [number, number] | undefined => {
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(text);
  if (match === null || Number(match[1]) >= Number(match[2])) throw new RangeError('--unplug: FROM:TO in seconds');
  return [Number(match[1]), Number(match[2])];
};

/** The options, or what is wrong with them. */
export const parseDemoArgs = (argv: readonly string[]): DemoOptions | string => {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        duration: { type: 'string' },
        dir: { type: 'string' },
        'ntp-port': { type: 'string' },
        noise: { type: 'string' },
        unplug: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return {
      help: values.help === true,
      duration: number(values.duration, '--duration', 1, 1e9),
      dir: values.dir,
      ntpPort: number(values['ntp-port'], '--ntp-port', 1, 65535) ?? DEFAULT_PORT,
      noise: number(values.noise, '--noise', 0, 0.1) ?? 200e-9,
      unplug: span(values.unplug),
    };
  } catch (error) {
    return (error as Error).message;
  }
};
