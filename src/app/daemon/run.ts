import { getRandomValues } from 'node:crypto';
import { chownSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { BUILD_DATE } from '../../base/build.js';
import { CodedError } from '../../base/errors.js';
import { parseIp } from '../../base/ip.js';
import { SEED_WORDS } from '../../base/keystream.js';
import { PPM } from '../../base/units.js';
import { makeDirectory, type Owner, prepareSocketDirectory } from '../../control/cmdmon/directory.js';
import { handleRequest } from '../../control/cmdmon/door.js';
import { type OpenOnDevice, openUdpDoor } from '../../control/cmdmon/udp.js';
import { type DoorLog, openUnixDoor } from '../../control/cmdmon/unix.js';
import { respondMode6 } from '../../control/mode6/respond.js';
import { handleQuery, isQuery } from '../../control/query/door.js';
import { parseDrift } from '../../core/discipline/drift.js';
import {
  KERNEL_FREQUENCY_QUANTUM,
  KERNEL_MAX_FREQUENCY,
  KernelActuator,
  KernelClock,
  measurePrecision,
  NullActuator,
} from '../../devices/clock.js';
import { loadNative, type Native } from '../../devices/native.js';
import { messageOf, plainReason } from '../../devices/retry.js';
import { FileStore } from '../../devices/store.js';
import { engineConfig } from '../../engine/config.js';
import { Engine } from '../../engine/engine.js';
import type { Event } from '../../engine/events.js';
import { type Log, openLog } from '../../observe/log.js';
import type { ClockActuator } from '../../ports/clock.js';
import type { Severity } from '../../ports/observer.js';
import { tellStarter } from './background.js';
import { ClockBoundPublisher } from './clockbound.js';
import { connectionTexts } from './commandlog.js';
import { DaemonContext } from './context.js';
import { Dumps } from './dumps.js';
import { EventRecorder } from './eventrecorder.js';
import { readConfigFiles } from './files.js';
import { HardwareStamping } from './hardware.js';
import { Keys } from './keys.js';
import { behindLastTime, lastKnownTime } from './lasttime.js';
import { startLine, Told } from './lastwords.js';
import { LeapFiles, ZONEINFO } from './leapfiles.js';
import { mailOnChange } from './mail.js';
import { EXIT, type Start } from './main.js';
import { daemonMode6 } from './mode6.js';
import { NtpClient } from './ntpclient.js';
import { ignored, usable } from './ntpsupport.js';
import { Oneshot, oneshotConfig } from './oneshot.js';
import { writePidFile } from './pidfile.js';
import { dropPrivileges, runtimeOwner, useRealTime } from './privileges.js';
import { PtpBridge } from './ptp.js';
import { daemonQueries } from './queries.js';
import { RefclockDevices } from './refclocks.js';
import { Refusals } from './refusals.js';
import { Rtc } from './rtc.js';
import { Runtime } from './runtime.js';
import { SourceFiles } from './sourcefiles.js';
import { tellReady, Watchdog } from './supervisor.js';
import { openSyslog } from './syslog.js';
import { readTempcompPoints, Thermometer } from './thermometer.js';
import { TraceLogs } from './tracelogs.js';

/** Composes the daemon and leaves it running. Throws what is fatal at start. */
export const runDaemon = async (start: Start): Promise<void> => {
  const once = start.options.once !== undefined;
  const native = loadNative();
  const log = daemonLog(native, start);
  const say = (severity: Severity, name: string, text: string): void =>
    log.fact({ severity, name, text, at: new KernelClock(native).realtime() });
  let daemon: Daemon | undefined;
  try {
    say('info', 'daemon.start', startLine(start.program));
    native.returnFreedMemory();
    daemon = new Daemon(once ? { ...start, config: oneshotConfig(start.config) } : start, native, log);
    await daemon.open();
  } catch (error) {
    // The reason is the last line, and nothing is left behind.
    say('fatal', 'daemon.fatal', messageOf(error));
    daemon?.died();
    log.close();
    throw new Told(error);
  }
};

const daemonLog = (native: Native, { options, program }: Start): Log =>
  openLog({
    format: options.logJson ? 'json' : 'text',
    file: options.logFile,
    toStderr: options.logToStderr,
    minSeverity: options.minSeverity,
    openSyslog: () => openSyslog(native, program),
  });

class Daemon {
  private readonly start: Start;
  private readonly native: Native;
  private readonly clock: KernelClock;
  private readonly log: Log;
  private readonly traces: TraceLogs;
  private readonly recorder: EventRecorder | undefined;
  private readonly engine: Engine;
  private readonly runtime: Runtime;
  private readonly oneshot: Oneshot | undefined;
  private readonly keys: Keys;
  private readonly network: NtpClient;
  private readonly hardware: HardwareStamping | undefined;
  private readonly sourceFiles: SourceFiles;
  private readonly dumps: Dumps;
  private readonly rtc: Rtc;
  /** The clock has been set from the RTC. */
  private rtcSet = false;
  private readonly closers: (() => void)[] = [];
  private clockBound: ClockBoundPublisher | undefined;
  private stopping = false;

  constructor(start: Start, native: Native, log: Log) {
    const { options, config } = start;
    this.start = start;
    this.native = native;
    this.clock = new KernelClock(native);
    this.log = log;
    const control = options.controlClock
      ? { maxFrequency: KERNEL_MAX_FREQUENCY, quantum: KERNEL_FREQUENCY_QUANTUM, canStep: true }
      : undefined;
    const actuator = control === undefined ? new NullActuator() : new KernelActuator(this.native);
    this.rtc = new Rtc({
      config: config.rtc,
      native: this.native,
      store: new FileStore(),
      say: (...fact) => this.say(...fact),
      dispatch: (event) => this.runtime.dispatch(event),
    });
    this.closers.push(() => this.rtc.close());
    if (options.setFromRtc) this.restoreTime(actuator);
    const now = { raw: this.clock.realtime(), mono: this.clock.monotonic() };
    const seed = [...getRandomValues(new Uint32Array(SEED_WORDS))];
    const tempcompPoints = readTempcompPoints(config.clock.tempcomp);
    const host = { precision: measurePrecision(this.native), control, buildDate: BUILD_DATE, seed, tempcompPoints };
    const sources = usable(config.sources, (text) => this.say('error', 'config.sources', text));
    for (const text of ignored(config)) this.say('warn', 'config.sources', text);
    const forEngine = engineConfig({ ...config, sources }, host);
    this.engine = new Engine(forEngine, now);
    const { eventlog } = config.logging;
    this.recorder = eventlog === undefined ? undefined : new EventRecorder(eventlog, forEngine);
    this.traces = new TraceLogs(config.logging, (text) => this.say('warn', 'log.problem', text));
    const step = (): void => this.runtime.dispatch({ kind: 'command', command: { name: 'makestep' } });
    if (options.once !== undefined) {
      const say = (text: string): void => this.say('info', 'oneshot', text);
      const exit = (ok: boolean): void => this.exit(ok ? EXIT.OK : EXIT.FAILED);
      this.oneshot = new Oneshot({ what: options.once, step, exit, say });
    }
    const { keyfile, dumpdir } = config.client;
    this.keys = new Keys(keyfile, (severity, text) => this.say(severity, 'keys', text));
    this.dumps = new Dumps(dumpdir, new FileStore(), (text) => this.say('warn', 'dump', text));
    const { hardware } = start.server;
    if (hardware !== undefined) {
      const say = (...fact: Parameters<Daemon['say']>): void => this.say(...fact);
      const parts = { config: config.hardware, native: this.native, say, now: () => performance.now() };
      this.hardware = new HardwareStamping(parts, hardware);
      this.closers.push(() => this.hardware?.stop());
    }
    this.network = new NtpClient(
      config,
      this.native,
      this.keys,
      options.family === undefined ? [4, 6] : [options.family],
      // -q and -Q open no port, but for servers that are asked from one.
      options.once === undefined || start.server.onlyPtp ? start.server : { setPeers: () => {}, sendPeer: () => false },
      (e) => this.runtime.dispatch(e),
      this.hardware,
    );
    start.server.onPeer = (news) => this.network.heard(news);
    this.closers.push(() => this.network.stop());
    this.sourceFiles = new SourceFiles({
      directories: config.client.sourcedirs,
      files: readConfigFiles,
      command: (command) => this.runtime.command(command),
      say: (severity, text) => this.say(severity, 'config.sources', text),
      checkKey: (id) => this.keys.check(id),
    });
    const refusals = new Refusals();
    const warnMail = (text: string): void => this.say('error', 'mail', text);
    const mail = options.once === undefined ? mailOnChange(config.logging, start.program, warnMail) : undefined;
    this.runtime = new Runtime({
      engine: this.engine,
      clock: this.clock,
      actuator,
      store: new FileStore(),
      observer: this.log,
      driftFile: config.clock.driftfile?.path,
      publish: (state, step) => start.server.publish(state, step),
      beginStep: () => start.server.beginStep(),
      network: (effect) => this.network.apply(effect),
      rtc: (effect) => this.rtc.apply(effect),
      trace: (effect) => this.traces.write(effect),
      after: (event, effects, now) => {
        this.recorder?.record(event, effects, now);
        this.oneshot?.after(this.engine.tracking(now));
        this.clockBound?.publish(this.engine, () => this.runtime.now());
        mail?.look(effects);
        this.hardware?.follow(event, effects, now.raw);
        const reports = () => this.engine.refclocks(now);
        refusals.look(now.mono, reports, (text) => this.say('info', 'refclock.refused', text));
      },
      // The reason has been told as a fact.
      exit: (code) => this.exit(code),
    });
  }

  async open(): Promise<void> {
    const { options, config } = this.start;
    for (const text of config.warnings) this.say('warn', 'config.warning', text);
    const owner = runtimeOwner(options.user ?? config.process.user);
    // Before there is anything that must be removed at the end.
    this.handleSignals();
    if (options.once === undefined) this.makeDirectories(owner);
    if (config.process.pidfile !== undefined && options.once === undefined) {
      this.closers.push(writePidFile(config.process.pidfile));
    }
    this.start.server.onWarning = (text) => this.say('error', 'ntp.socket', text);
    this.start.server.onRestart = (error) =>
      this.say('error', 'ntp.worker', `A worker of the NTP server ended and is started again: ${error.message}`);
    this.checkClockControl();
    for (const text of this.start.warnings) this.say('error', 'ntp.socket', text);
    if (options.once === undefined) this.openClockBound();
    for (const text of useRealTime(this.native, options, config.process)) this.say('error', 'process.refused', text);
    this.loadKeys();
    for (const { key } of config.sources) this.keys.check(key);
    this.hardware?.open();
    this.runtime.dispatch(this.startEvent());
    if (options.once === undefined) this.rtc.open();
    this.sourceFiles.load();
    this.openLeapFiles();
    if (options.once === undefined) this.restoreSources();
    dropPrivileges(this.native, owner, options.controlClock, this.hardware !== undefined);
    if (process.getuid!() === 0) this.say('warn', 'process.root', 'Running with root privileges');
    if (options.once === undefined) await this.openDoors();
    // A signal came meanwhile.
    if (this.stopping) return;
    // Before the clocks that it steers are read.
    this.openPtp();
    const devices = new RefclockDevices(config.refclocks, this.native, BUILD_DATE, (e) => this.runtime.dispatch(e));
    this.closers.push(() => devices.stop());
    this.openThermometer();
    this.oneshot?.start(config.refclocks, config.sources);
    if (options.timeout > 0) setTimeout(() => this.timedOut(), options.timeout * 1000).unref();
    this.closers.push(new Watchdog(this.native).start());
    tellReady(this.native, options.readyFd);
    tellStarter('ready\n');
  }

  private say(severity: Severity, name: string, text: string): void {
    this.log.fact({ severity, name, text, at: this.clock.realtime() });
  }

  /** `-s`: before anything is measured with the clock. */
  private restoreTime(actuator: ClockActuator): void {
    const now = this.clock.realtime();
    const last = lastKnownTime(this.start.config.clock.driftfile?.path);
    const fromRtc = this.rtc.behind(now, last);
    const behind = fromRtc ?? behindLastTime(now, last);
    if (behind === undefined) return;
    const text = fromRtc === undefined ? 'System time restored from driftfile' : 'System time set from RTC';
    try {
      const done = actuator.step(behind);
      this.say(done ? 'info' : 'error', 'clock.restored', done ? text : 'Could not step system clock');
      if (!done) return;
      this.rtcSet = fromRtc !== undefined;
    } catch (error) {
      this.say('error', 'clock.restored', `Could not restore the system time: ${(error as Error).message}`);
    }
  }

  /** Early and plainly: a daemon that may not move the clock must not believe that it does. */
  private checkClockControl(): void {
    if (!this.start.options.controlClock) {
      this.say('info', 'clock.control', 'Disabled control of system clock');
      return;
    }
    if (this.native.capabilities.effective().includes('sys_time')) return;
    throw new CodedError(
      'ERR_TB_PRIVILEGE',
      'adjtimex failed : CAP_SYS_TIME is missing (use -x to only model the clock)',
    );
  }

  /** While we still may: the directories that the run-time user writes to are his. */
  private makeDirectories(owner: Owner): void {
    const { logging, client, command } = this.start.config;
    for (const dir of [logging.logdir, client.dumpdir]) {
      try {
        if (dir === undefined || existsSync(dir)) continue;
        makeDirectory(dir, 0o750);
        chownSync(dir, owner.uid, owner.gid);
      } catch (error) {
        this.say('error', 'directory', `Could not create ${dir} : ${plainReason(messageOf(error))}`);
      }
    }
    // What is wrong with this one is told when the socket opens.
    if (command.socket?.startsWith('/') === true && command.socket !== '/') {
      prepareSocketDirectory(dirname(command.socket), owner);
    }
  }

  private openClockBound(): void {
    const { clockboundfile } = this.start.config.command;
    if (clockboundfile === undefined) return;
    const publisher = new ClockBoundPublisher(clockboundfile, this.native, (...fact) => this.say(...fact));
    this.clockBound = publisher;
    this.closers.push(() => publisher.close());
  }

  /** The first event, with what is remembered. */
  private startEvent(): Event {
    const { line } = this.rtc;
    return { kind: 'start', ...this.readDrift(), ...(line === undefined ? {} : { rtc: line, rtcSet: this.rtcSet }) };
  }

  private readDrift(): { readonly driftFreq?: number; readonly driftSkew?: number } {
    const path = this.start.config.clock.driftfile?.path;
    if (path === undefined) return {};
    let text: string | undefined;
    try {
      text = new FileStore().read(path);
    } catch (error) {
      this.say('warn', 'drift.unreadable', (error as Error).message);
    }
    if (text === undefined) return {};
    const drift = parseDrift(text);
    if (drift === undefined) {
      this.say('warn', 'drift.invalid', `Could not read valid frequency and skew from driftfile ${path}`);
      return {};
    }
    const { freqFastPpm, skewPpm } = drift;
    const figures = `${freqFastPpm.toFixed(3)} +/- ${skewPpm.toFixed(3)} ppm`;
    this.say('info', 'drift.read', `Frequency ${figures} read from ${path}`);
    // The file says how fast the oscillator is; the engine wants what makes it right.
    const driftFreq = 1 / (1 + freqFastPpm * PPM) - 1;
    return { driftFreq, driftSkew: skewPpm * PPM };
  }

  private openThermometer(): void {
    const { tempcomp, tempsensor } = this.start.config.clock;
    const sensor = tempcomp ?? tempsensor;
    if (sensor === undefined) return;
    const use = (value: number): void => this.runtime.dispatch({ kind: 'temperature', value });
    const warn = (text: string): void => this.say('warn', 'tempcomp.sensor', text);
    this.closers.push(new Thermometer(sensor, use, warn).start());
  }

  private openPtp(): void {
    const { hardware, command } = this.start.config;
    // A clock that is only being set gives nothing away.
    const gives = this.start.options.once === undefined;
    const bridge = new PtpBridge({
      links: hardware.ptp4l.filter((link) => gives || !link.grandmaster),
      native: this.native,
      engine: this.engine,
      commandSocket: command.socket,
      now: () => this.runtime.now(),
      dispatch: (event) => this.runtime.dispatch(event),
      say: (...fact) => this.say(...fact),
    });
    this.closers.push(() => bridge.stop());
    bridge.start();
  }

  private openLeapFiles(): void {
    const { leapseclist, leapsectz } = this.start.config.clock;
    const leaps = new LeapFiles(
      { list: leapseclist, timezone: leapsectz, zoneinfo: ZONEINFO },
      () => this.clock.realtime(),
      (...fact) => this.say(...fact),
      (named) => this.runtime.dispatch({ kind: 'leap-table', named }),
    );
    this.closers.push(leaps.start());
  }

  /** `-r`: histories of the last run. They are of one use, so they go in any case. */
  private restoreSources(): void {
    const now = this.runtime.now();
    const sources = this.start.options.reloadDumps ? this.engine.dumpable() : [];
    for (const { source, ...whose } of sources) {
      const dump = this.dumps.read(whose, this.engine.clock.now(now.raw));
      if (dump !== undefined) this.runtime.dispatch({ kind: 'restore', source, dump });
    }
    this.dumps.removeAll();
  }

  private async openDoors(): Promise<void> {
    const { command } = this.start.config;
    const context = new DaemonContext({
      engine: this.engine,
      runtime: this.runtime,
      server: this.start.server,
      openCommands: command.opencommands,
      cmdAccess: command.access,
      cmdratelimit: command.cmdratelimit,
      canStep: this.start.options.controlClock,
      cycleLogs: () => this.cycleLogs(),
      reloadSources: () => this.sourceFiles.load(),
      checkRoutes: () => void this.checkRoutes(),
      dump: () => this.dumps.write(this.engine.dumps()),
      keys: this.keys,
      say: (severity, text) => this.say(severity, 'command', text),
      rekey: () => this.loadKeys(),
      saveRtc: (line) => this.rtc.save(line),
      shutdown: () => {
        this.say('info', 'daemon.shutdown', 'Received shutdown command');
        this.exit(EXIT.OK);
      },
    });
    const queries = daemonQueries(this.engine, () => this.runtime.now());
    const mode6 = daemonMode6(this.engine, () => this.runtime.now());
    this.start.server.onControl = (request) => respondMode6(request, mode6);
    const handle = (bytes: Uint8Array, peer: Parameters<typeof handleRequest>[1]) =>
      isQuery(bytes) && peer.transport === 'unix' ? handleQuery(bytes, queries) : handleRequest(bytes, peer, context);
    const doorLog: DoorLog = { observer: this.log, now: () => this.clock.realtime() };
    if (command.socket !== undefined) {
      const owner = { uid: process.getuid!(), gid: process.getgid!() };
      const open = (path: string, o: { unlink: boolean }) => new this.native.Datagram(path, o);
      const door = openUnixDoor(command.socket, owner, open, handle, doorLog);
      if (door !== undefined) this.closers.push(() => door.close());
    }
    const addresses = [command.bindcmdaddress4, command.bindcmdaddress6].flatMap((a) => parseIp(a) ?? []);
    const udp = await openUdpDoor(addresses, command.cmdport, handle, doorLog, this.onCommandDevice());
    this.closers.push(() => udp.close());
  }

  /** Directive bindcmddevice. */
  private onCommandDevice(): OpenOnDevice | undefined {
    const device = this.start.config.command.bindcmddevice;
    if (device === undefined) return undefined;
    return (family, address, port) => this.native.openUdpSocket({ family, address, port, device });
  }

  private async checkRoutes(): Promise<void> {
    const addresses = this.engine.sourceReports(this.runtime.now()).flatMap((s) => s.address ?? []);
    const found = await this.network.routes(addresses);
    const before = this.engine.onlineAddresses();
    for (const [text, reached] of found) {
      const address = parseIp(text)!;
      const match = { address, mask: new Uint8Array(address.length).fill(255) };
      this.runtime.command({ name: reached ? 'online' : 'offline', match });
    }
    for (const text of connectionTexts(before, this.engine.onlineAddresses())) this.say('info', 'command', text);
  }

  private handleSignals(): void {
    // Without a handler Node opens a debugger, which every user of the machine could speak to.
    process.on('SIGUSR1', () => {});
    // chronyd takes SIGHUP as a wish to end, too.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
      process.on(signal, () => this.exit(EXIT.OK));
    }
  }

  private loadKeys(): void {
    this.keys.load();
    this.start.server.setKeys(this.keys.list);
  }

  private cycleLogs(): void {
    try {
      this.log.reopen();
      this.traces.reopen();
    } catch (error) {
      this.say('error', 'log.reopen', (error as Error).message);
    }
  }

  /** `-t`: not synchronised by then is a failure. */
  private timedOut(): void {
    this.say('info', 'daemon.timeout', 'Timeout reached');
    const synchronised = this.engine.tracking(this.runtime.now()).leap !== 3;
    this.exit(synchronised && this.start.options.once === undefined ? EXIT.OK : EXIT.FAILED);
  }

  /** The start has failed. */
  died(): void {
    this.stopping = true;
    this.runtime.stop();
    for (const close of this.closers.reverse()) close();
    this.traces.close();
    this.recorder?.close();
  }

  private exit(code: number): void {
    if (this.stopping) return;
    this.stopping = true;
    // Saves the drift before the runtime goes deaf.
    this.runtime.dispatch({ kind: 'command', command: { name: 'shutdown' } });
    if (this.start.options.once === undefined) {
      this.dumps.write(this.engine.dumps());
      const line = this.engine.rtcLine();
      if (line !== undefined) this.rtc.save(line);
    }
    this.runtime.stop();
    for (const close of this.closers.reverse()) close();
    this.native.sdNotify('STOPPING=1');
    void this.start.server.stop().finally(() => {
      this.say('info', 'daemon.exit', `${this.start.program} exiting`);
      this.traces.close();
      this.recorder?.close();
      this.log.close();
      process.exit(code);
    });
  }
}
