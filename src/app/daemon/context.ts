import { randomInt } from 'node:crypto';
import { formatIp, type IpBytes } from '../../base/ip.js';
import type { Instant } from '../../base/time.js';
import type { AccessRule, OpenCommand, RateLimit } from '../../conf/config.js';
import type {
  AccessChange,
  ClientTable,
  CmdmonContext,
  DaemonCommand,
  SetTimeReport,
} from '../../control/cmdmon/context.js';
import { openCommandCodes } from '../../control/cmdmon/opencommands.js';
import { AddressBuckets } from '../../core/access/bucket.js';
import { AccessTree } from '../../core/access/tree.js';
import { placeText } from '../../core/report/place.js';
import type { AuthReport, NtpDataReport } from '../../core/report/reports.js';
import type { RtcLine } from '../../core/rtc/file.js';
import type { Engine } from '../../engine/engine.js';
import type { CommandAnswer } from '../../engine/events.js';
import type { Severity } from '../../ports/observer.js';
import { STATUS, type Status } from '../../wire/cmdmon/protocol.js';
import { accessText, commandTexts, connectionTexts, sourceTexts } from './commandlog.js';
import type { Keys } from './keys.js';
import { newSource } from './newsource.js';
import { unsupported } from './ntpsupport.js';
import type { Runtime } from './runtime.js';
import { type NtpServer, toRule } from './server.js';

export interface ContextParts {
  readonly engine: Engine;
  readonly runtime: Runtime;
  readonly server: NtpServer;
  readonly openCommands: readonly OpenCommand[];
  readonly cmdAccess: readonly AccessRule[];
  readonly canStep: boolean;
  readonly cmdratelimit: RateLimit | undefined;
  readonly cycleLogs: () => void;
  /** Reads the *.sources files again. */
  readonly reloadSources: () => void;
  /** Takes NTP sources online that can be reached, the others offline. */
  readonly checkRoutes: () => void;
  /** Writes the histories of sources. */
  readonly dump: () => void;
  /** Writes the file of the real-time clock; false: it cannot be written. */
  readonly saveRtc: (line: RtcLine) => boolean;
  /** Of the key file. */
  readonly keys: Pick<Keys, 'list' | 'check'>;
  /** What a command did, for the journal. */
  readonly say: (severity: Severity, text: string) => void;
  /** Reads the key file again. */
  readonly rekey: () => void;
  readonly shutdown: () => void;
}

/** The daemon as the command door sees it. */
export class DaemonContext implements CmdmonContext {
  readonly openCommands: ReadonlySet<number>;
  private readonly parts: ContextParts;
  private readonly cmdTree = new AccessTree();
  private readonly buckets: AddressBuckets | undefined;

  constructor(parts: ContextParts) {
    this.parts = parts;
    this.openCommands = openCommandCodes(parts.openCommands);
    const { cmdratelimit } = parts;
    this.buckets =
      cmdratelimit === undefined ? undefined : new AddressBuckets(cmdratelimit, { u32: () => randomInt(2 ** 32) });
    for (const rule of parts.cmdAccess) {
      const r = toRule(rule);
      if (r !== undefined) this.cmdTree.apply(r);
    }
  }

  countAccess(address: IpBytes | undefined, exempt: boolean): boolean {
    const admitted = address === undefined || exempt || this.admits(address);
    this.parts.server.countCommand(address, !admitted);
    return admitted;
  }

  private admits(address: IpBytes): boolean {
    return this.buckets?.admits(address, this.parts.runtime.now().mono) ?? true;
  }

  accessAllowed(table: 'ntp' | 'cmd', address: IpBytes): boolean {
    if (table === 'ntp') return this.parts.server.accessAllowed(address);
    return this.cmdTree.isAllowedAddress(address.length === 4 ? 4 : 6, address);
  }

  changeAccess(change: AccessChange): void {
    const { table, allow, all, subnet } = change;
    this.parts.say('info', accessText(change));
    const family = subnet?.address.length === 4 ? (4 as const) : (6 as const);
    const rule = { allow, all, subnet: subnet === undefined ? undefined : { family, ...subnet } };
    if (table === 'ntp') this.parts.server.changeAccess(rule);
    else {
      this.cmdTree.apply(rule);
      this.parts.server.changeControlAccess(rule);
    }
  }

  tracking = () => this.parts.engine.tracking(this.parts.runtime.now());
  sources = () => this.parts.engine.sourceReports(this.parts.runtime.now());
  sourcestats = () => this.parts.engine.sourcestats(this.parts.runtime.now());
  selectdata = () => this.parts.engine.selectdata(this.parts.runtime.now());
  unresolved = () => this.parts.engine.unresolved();
  activity = () => this.parts.engine.activity();
  serverStats = () => this.parts.server.stats();
  clients = (): ClientTable | undefined => this.parts.server.clients();
  ntpData(address: IpBytes | number): NtpDataReport | undefined {
    const { engine } = this.parts;
    if (typeof address === 'number') return engine.unheard(placeText(address));
    return engine.ntpData(formatIp(address)) ?? engine.unheard(formatIp(address));
  }

  authData(address: IpBytes | number): AuthReport | undefined {
    const { engine } = this.parts;
    const keyId =
      typeof address === 'number'
        ? engine.unresolved().find(({ id }) => id === address)?.keyId
        : engine.keyOf(formatIp(address));
    if (keyId === undefined) return undefined;
    const key = this.parts.keys.list.find(({ id }) => id === keyId);
    const known = key && { type: key.type, bits: key.secret.length * 8 };
    return { mode: keyId === 0 ? 'none' : 'symmetric', keyId, key: known };
  }

  sourceName(address: IpBytes): string | undefined {
    return this.parts.engine.sourceName(formatIp(address));
  }

  smoothing = () => this.parts.engine.smoothingReport(this.parts.runtime.now());
  rtc = () => this.parts.engine.rtcReport();
  manualList = () => this.parts.engine.manualList();

  setTime(time: Instant): SetTimeReport | Status {
    const answer = this.parts.runtime.command({ name: 'settime', time });
    return answer.manual ?? OUTCOME[answer.outcome];
  }

  /** What this version cannot do is not taken as if it could. */
  private addSource(values: Extract<DaemonCommand, { name: 'add-source' }>['values']): Status {
    const options = newSource(values);
    if (options === undefined) return STATUS.INVALID;
    if (unsupported(options) !== undefined) return STATUS.NOT_ENABLED;
    this.parts.keys.check(options.key);
    return OUTCOME[this.parts.runtime.command({ name: 'add-ntp-source', options }).outcome];
  }

  private writeRtc(): Status {
    if (this.rtc() === undefined) return STATUS.NO_RTC;
    const line = this.parts.engine.rtcLine();
    return line !== undefined && this.parts.saveRtc(line) ? STATUS.SUCCESS : STATUS.BAD_RTC_FILE;
  }

  run(command: DaemonCommand): Status {
    const { engine, say } = this.parts;
    const before = engine.onlineAddresses();
    const removed = command.name === 'delete-source' ? sourceTexts('Removed', command.address, engine) : [];
    const known = new Set(engine.unresolved().map(({ id }) => placeText(id)));
    const status = this.obey(command);
    if (status !== STATUS.SUCCESS) return status;
    const added = command.name === 'add-source' ? sourceTexts('Added', command.values.name ?? '', engine, known) : [];
    for (const text of [...removed, ...added, ...commandTexts(command)]) say('info', text);
    if (command.name === 'online' || command.name === 'offline') {
      for (const text of connectionTexts(before, engine.onlineAddresses())) say('info', text);
    }
    return status;
  }

  private obey(command: DaemonCommand): Status {
    const { runtime } = this.parts;
    switch (command.name) {
      case 'makestep':
        if (this.parts.canStep) return OUTCOME[runtime.command({ name: 'makestep' }).outcome];
        this.parts.say('error', 'Could not step system clock');
        return STATUS.FAILED;
      case 'cyclelogs':
        this.parts.cycleLogs();
        return STATUS.SUCCESS;
      case 'dump':
        this.parts.dump();
        return STATUS.SUCCESS;
      case 'rekey':
        this.parts.rekey();
        return STATUS.SUCCESS;
      case 'shutdown':
        // After the reply has left.
        setImmediate(this.parts.shutdown);
        return STATUS.SUCCESS;
      case 'onoffline':
        this.parts.checkRoutes();
        return STATUS.SUCCESS;
      case 'reload-sources':
        this.parts.reloadSources();
        return STATUS.SUCCESS;
      case 'writertc':
        return this.writeRtc();
      case 'add-source':
        return this.addSource(command.values);
      case 'delete-source':
        return OUTCOME[runtime.command({ name: 'delete-source', source: command.address }).outcome];
      case 'refresh':
      case 'reselect':
      case 'reset-sources':
        return OUTCOME[runtime.command({ name: command.name }).outcome];
      default:
        return OUTCOME[runtime.command(command).outcome];
    }
  }
}

const OUTCOME: Readonly<Record<CommandAnswer['outcome'], Status>> = {
  done: STATUS.SUCCESS,
  failed: STATUS.FAILED,
  'not-enabled': STATUS.NOT_ENABLED,
  'no-such-source': STATUS.NO_SUCH_SOURCE,
  'bad-sample': STATUS.BAD_SAMPLE,
  'source-exists': STATUS.SOURCE_ALREADY_KNOWN,
  'too-many-sources': STATUS.TOO_MANY_SOURCES,
  'no-rtc': STATUS.NO_RTC,
};
