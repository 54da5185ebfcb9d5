import { formatIp, type IpBytes } from '../../base/ip.js';
import type { AccessRule, OpenCommand } from '../../conf/config.js';
import type { AccessChange, ClientTable, CmdmonContext, DaemonCommand } from '../../control/cmdmon/context.js';
import { openCommandCodes } from '../../control/cmdmon/opencommands.js';
import { AccessTree } from '../../core/access/tree.js';
import type { Engine } from '../../engine/engine.js';
import { STATUS, type Status } from '../../wire/cmdmon/protocol.js';
import type { Runtime } from './runtime.js';
import { type NtpServer, toRule } from './server.js';

export interface ContextParts {
  readonly engine: Engine;
  readonly runtime: Runtime;
  readonly server: NtpServer;
  readonly openCommands: readonly OpenCommand[];
  readonly cmdAccess: readonly AccessRule[];
  readonly canStep: boolean;
  readonly cycleLogs: () => void;
  readonly shutdown: () => void;
}

/** The daemon as the command door sees it. */
export class DaemonContext implements CmdmonContext {
  readonly openCommands: ReadonlySet<number>;
  private readonly parts: ContextParts;
  private readonly cmdTree = new AccessTree();

  constructor(parts: ContextParts) {
    this.parts = parts;
    this.openCommands = openCommandCodes(parts.openCommands);
    for (const rule of parts.cmdAccess) {
      const r = toRule(rule);
      if (r !== undefined) this.cmdTree.apply(r);
    }
  }

  countAccess(address: IpBytes | undefined): boolean {
    this.parts.server.countCommand(address, false);
    return true;
  }

  accessAllowed(table: 'ntp' | 'cmd', address: IpBytes): boolean {
    if (table === 'ntp') return this.parts.server.accessAllowed(address);
    return this.cmdTree.isAllowedAddress(address.length === 4 ? 4 : 6, address);
  }

  changeAccess({ table, allow, all, subnet }: AccessChange): void {
    const family = subnet?.address.length === 4 ? (4 as const) : (6 as const);
    const rule = { allow, all, subnet: subnet === undefined ? undefined : { family, ...subnet } };
    if (table === 'ntp') this.parts.server.changeAccess(rule);
    else this.cmdTree.apply(rule);
  }

  tracking = () => this.parts.engine.tracking(this.parts.runtime.now());
  sources = () => this.parts.engine.sourceReports(this.parts.runtime.now());
  sourcestats = () => this.parts.engine.sourcestats(this.parts.runtime.now());
  selectdata = () => this.parts.engine.selectdata(this.parts.runtime.now());
  activity = () => this.parts.engine.activity();
  serverStats = () => this.parts.server.stats();
  clients = (): ClientTable | undefined => this.parts.server.clients();
  ntpData = () => undefined;

  sourceName(address: IpBytes): string | undefined {
    const text = formatIp(address);
    return this.sources().find((s) => s.address === text)?.name;
  }

  run(command: DaemonCommand): Status {
    const { runtime } = this.parts;
    switch (command.name) {
      case 'makestep':
        if (!this.parts.canStep) return STATUS.FAILED;
        runtime.dispatch({ kind: 'command', command: { name: 'makestep' } });
        return STATUS.SUCCESS;
      case 'reselect':
      case 'reset-sources':
        runtime.dispatch({ kind: 'command', command: { name: command.name } });
        return STATUS.SUCCESS;
      case 'set-makestep':
      case 'reselect-distance':
      case 'max-update-skew':
        runtime.dispatch({ kind: 'command', command });
        return STATUS.SUCCESS;
      case 'cyclelogs':
        this.parts.cycleLogs();
        return STATUS.SUCCESS;
      case 'shutdown':
        // After the reply has left.
        setImmediate(this.parts.shutdown);
        return STATUS.SUCCESS;
      // With no NTP sources there is nothing to refresh, to take online or to read again: done, as chronyd says.
      case 'refresh':
      case 'onoffline':
      case 'reload-sources':
      case 'rekey':
        return STATUS.SUCCESS;
      default:
        return STATUS.NOT_ENABLED;
    }
  }
}
