import { randomInt } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { CodedError } from '../../base/errors.js';
import { type IpBytes, parseIp } from '../../base/ip.js';
import {
  encodeRequest,
  type ReplyHeader,
  type ReplyValues,
  type RequestValues,
  readReplyData,
  readReplyHeader,
} from '../../wire/cmdmon/packet.js';
import { STATUS, statusText } from '../../wire/cmdmon/protocol.js';
import { REPLIES } from '../../wire/cmdmon/replies.js';
import { REQUESTS, type ReplyOf, type RequestName } from '../../wire/cmdmon/requests.js';
import { type Endpoint, openUdp, openUnix } from './transport.js';

export const DEFAULT_SERVERS = '/run/chrony/chronyd.sock,127.0.0.1,::1';
/** Where timeballd listens when it is not called chronyd comes first. */
export const OUR_SERVERS = `/run/timeball/timeballd.sock,${DEFAULT_SERVERS}`;
export const DEFAULT_PORT = 323;

export interface TalkOptions {
  readonly servers: readonly string[];
  readonly port: number;
  /** 0 = both. */
  readonly family: 0 | 4 | 6;
}

/** The daemon said no; `message` is the line that chronyc prints. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

type Candidate = () => Promise<Endpoint | undefined>;

const resolveName = async (name: string, family: 0 | 4 | 6): Promise<IpBytes[]> => {
  const literal = parseIp(name);
  if (literal !== undefined) return family !== 0 && (literal.length === 4) !== (family === 4) ? [] : [literal];
  try {
    const found = await lookup(name, { all: true, family });
    return found.flatMap(({ address }) => parseIp(address) ?? []);
  } catch {
    return [];
  }
};

/** The daemon's addresses in order; the first that answers is kept. */
export class Talker {
  timeoutMs = 1000;
  retries = 2;
  private candidates: Candidate[] | undefined;
  private endpoint: Endpoint | undefined;

  constructor(private readonly options: TalkOptions) {}

  close(): void {
    this.endpoint?.close();
    this.endpoint = undefined;
  }

  /** False: there is no address that could even be sent to. */
  async open(): Promise<boolean> {
    this.endpoint ??= await this.openNext();
    return this.endpoint !== undefined;
  }

  /** Asks and demands the reply that belongs to the request; status 8 and 9 count as answers of access checks. */
  async ask<N extends RequestName>(name: N, values: RequestValues<N>): Promise<ReplyValues<ReplyOf<N>>> {
    const { header, bytes } = await this.request(name, values);
    const { status } = header;
    if (status !== STATUS.SUCCESS) throw new Refusal(statusText(status), status);
    const reply = REQUESTS[name].reply as ReplyOf<N>;
    if (header.reply !== REPLIES[reply].code) throw new Refusal('508 Bad reply from daemon', status);
    return readReplyData(reply, bytes);
  }

  /** The status of a request that has no data to tell. */
  async command<N extends RequestName>(name: N, values: RequestValues<N>): Promise<number> {
    return (await this.request(name, values)).header.status;
  }

  /**
   * Sends a query of ours and waits for the datagram that `read` recognises. Undefined: none came, or there is no UNIX
   * socket that could be sent to.
   */
  async query<T>(
    bytes: Uint8Array,
    read: (reply: Uint8Array) => T | undefined,
    timeoutMs: number,
  ): Promise<T | undefined> {
    for (;;) {
      if (!(await this.open()) || this.endpoint === undefined || !this.endpoint.label.startsWith('/')) return undefined;
      if (await this.endpoint.send(bytes)) break;
      this.close();
    }
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const left = deadline - performance.now();
      const reply = left > 0 ? await this.endpoint.receive(left) : undefined;
      if (reply === undefined) return undefined;
      const value = read(reply);
      if (value !== undefined) return value;
    }
  }

  private async request<N extends RequestName>(name: N, values: RequestValues<N>): Promise<Answered> {
    for (;;) {
      if (!(await this.open()) || this.endpoint === undefined) {
        throw new CodedError('ERR_TB_TALK', '506 Cannot talk to daemon');
      }
      const answer = await this.exchange(this.endpoint, name, values);
      if (answer !== undefined) return answer;
      this.close();
    }
  }

  private async openNext(): Promise<Endpoint | undefined> {
    this.candidates ??= await this.listCandidates();
    for (;;) {
      const candidate = this.candidates.shift();
      if (candidate === undefined) break;
      const endpoint = await candidate();
      if (endpoint !== undefined) return endpoint;
    }
    this.candidates = undefined;
    return undefined;
  }

  private async listCandidates(): Promise<Candidate[]> {
    const { servers, port, family } = this.options;
    const list: Candidate[] = [];
    for (const server of servers) {
      if (server.startsWith('/')) list.push(() => openUnix(server));
      else for (const address of await resolveName(server, family)) list.push(() => openUdp(address, port));
    }
    return list;
  }

  /** Time-out doubles with each try; every try has its own random sequence number. */
  private async exchange<N extends RequestName>(
    endpoint: Endpoint,
    name: N,
    values: RequestValues<N>,
  ): Promise<Answered | undefined> {
    for (let attempt = 0; attempt <= this.retries; attempt++) {
      const sequence = randomInt(0, 2 ** 32);
      if (!(await endpoint.send(encodeRequest(name, values, sequence, attempt)))) return undefined;
      const answer = await this.await(endpoint, REQUESTS[name].code, sequence, this.timeoutMs * 2 ** attempt);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  /** Other people's and late datagrams are passed over while time remains. */
  private async await(
    endpoint: Endpoint,
    code: number,
    sequence: number,
    timeoutMs: number,
  ): Promise<Answered | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const left = deadline - performance.now();
      const bytes = left > 0 ? await endpoint.receive(left) : undefined;
      if (bytes === undefined) return undefined;
      const header = readReplyHeader(bytes);
      if (header !== undefined && header.command === code && header.sequence === sequence) return { header, bytes };
    }
  }
}

interface Answered {
  readonly header: ReplyHeader;
  readonly bytes: Uint8Array;
}
