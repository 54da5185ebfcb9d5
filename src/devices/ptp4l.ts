import {
  ACTION,
  formatManagement,
  type GrandmasterSettings,
  MANAGEMENT,
  type Management,
  parseManagement,
  writeSettings,
} from '../wire/ptp/management.js';
import type { Native, NativeDatagram } from './native.js';
import { messageOf } from './retry.js';

/** ms between two rounds of questions. */
const ROUND_MS = 1000;
/** Only a PTP daemon that may answer us needs to write to it; it runs as root mostly, or in our group. */
const SOCKET_MODE = 0o660;
const EMPTY = new Uint8Array(0);
const QUESTIONS = [MANAGEMENT.PORT_DATA_SET, MANAGEMENT.TIME_PROPERTIES_DATA_SET, MANAGEMENT.PARENT_DATA_SET] as const;

export interface Ptp4lOptions {
  /** ptp4l's Unix socket, and the path of ours. */
  readonly socket: string;
  readonly own: string;
  readonly domain: number;
  /** Number of our end. */
  readonly port: number;
  /** What it is to announce, asked every round; undefined: it is not told anything. */
  readonly settings: (() => GrandmasterSettings) | undefined;
  /** What it is to announce when we are gone. */
  readonly farewell: GrandmasterSettings;
  /** It has answered a question. */
  readonly onAnswer: (message: Management) => void;
  /** What has not been answered by now will not be: the next questions are about to leave. */
  readonly onRound: () => void;
  /** It has taken these settings, or refuses them. */
  readonly onSettings: (settings: GrandmasterSettings, refused: boolean) => void;
  /** Our own socket is not there. */
  readonly onFault: (reason: string) => void;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Talks with a running ptp4l: asks it every second what it knows, and sees to it that it announces what it should. */
export class Ptp4l {
  private socket: NativeDatagram | undefined;
  private timer: NodeJS.Timeout | undefined;
  private sequence = 0;
  private asked = false;
  private fault = '';
  /** What it should announce, and what it is known to. */
  private wanted: Uint8Array = EMPTY;
  private settings: GrandmasterSettings | undefined;
  private told: Uint8Array = EMPTY;

  constructor(
    private readonly native: Native,
    private readonly options: Ptp4lOptions,
  ) {}

  start(): void {
    this.round();
    this.timer = setInterval(() => this.round(), ROUND_MS);
  }

  stop(): void {
    if (this.timer !== undefined) clearInterval(this.timer);
    const { settings, farewell } = this.options;
    if (settings !== undefined) this.send(ACTION.SET, MANAGEMENT.GRANDMASTER_SETTINGS_NP, writeSettings(farewell));
    this.socket?.close();
    this.socket = undefined;
  }

  private round(): void {
    if (this.asked) this.options.onRound();
    this.asked = true;
    if (!this.open()) return;
    for (const id of QUESTIONS) this.send(ACTION.GET, id, EMPTY);
    if (this.options.settings === undefined) return;
    this.settings = this.options.settings();
    this.wanted = writeSettings(this.settings);
    // Asked first: a ptp4l that was started again has forgotten, and one that knows is left alone.
    this.send(ACTION.GET, MANAGEMENT.GRANDMASTER_SETTINGS_NP, EMPTY);
  }

  private open(): boolean {
    if (this.socket !== undefined) return true;
    try {
      const socket = new this.native.Datagram(this.options.own, { unlink: true, mode: SOCKET_MODE });
      socket.start(
        (bytes) => this.heard(bytes),
        () => this.close(),
      );
      this.socket = socket;
      this.fault = '';
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== this.fault) this.options.onFault(reason);
      this.fault = reason;
    }
    return this.socket !== undefined;
  }

  private close(): void {
    this.socket?.close();
    this.socket = undefined;
  }

  private send(action: number, id: number, data: Uint8Array): void {
    const { domain, port, socket } = this.options;
    this.sequence = (this.sequence + 1) & 0xffff;
    const bytes = formatManagement({ action, id, sequence: this.sequence, data }, domain, port);
    try {
      this.socket?.send(bytes, socket);
    } catch {
      // Not there, or not for us: silence tells.
    }
  }

  private heard(bytes: Uint8Array): void {
    const message = parseManagement(bytes, this.options.domain);
    if (message === undefined || message.action !== ACTION.RESPONSE) return;
    if (message.id !== MANAGEMENT.GRANDMASTER_SETTINGS_NP) {
      this.options.onAnswer(message);
      return;
    }
    const { settings, wanted } = this;
    if (settings === undefined) return;
    const refused = message.error !== undefined;
    if (!refused && !same(message.data, wanted)) this.send(ACTION.SET, MANAGEMENT.GRANDMASTER_SETTINGS_NP, wanted);
    else if (!same(this.told, wanted)) {
      this.told = wanted;
      this.options.onSettings(settings, refused);
    }
  }
}
