/** Runs the load generator and reads what it measured. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../support/peers.js';
import { writeKeyedRequests } from './key.js';
import type { Lab } from './net.js';
import { inNamespace } from './process.js';

const LOAD_CORE = '0';
const OUTSTANDING = 64;

export type Mode = 'basic' | 'interleaved' | 'keyed';

export interface Window {
  readonly wallNs: number;
  readonly cpuNs: number;
  readonly requests: number;
  readonly answered: number;
  readonly interleaved: number;
  readonly lost: number;
  readonly strange: number;
  readonly t3p50: number;
  readonly t3p99: number;
  readonly latencyP50: number;
  readonly latencyP99: number;
  readonly t2p50: number;
  readonly t2p99: number;
}

export interface LoadOptions {
  readonly port: string;
  readonly pid: number;
  readonly mode: Mode;
  readonly clients: number;
  /** Requests a second; 0 = saturation (64 under way). */
  readonly rate: number;
  readonly windows: number;
  readonly windowMs: number;
  /** Address of the first client; default: the first of all. */
  readonly first?: string;
}

export class Generator {
  private readonly program: string;

  constructor(
    private readonly dir: string,
    private readonly lab: Lab,
  ) {
    this.program = join(dir, 'load');
    const source = join(repoRoot, 'test/bench/load.c');
    execFileSync('cc', ['-O2', '-include', 'stddef.h', '-o', this.program, source]);
  }

  /** One JSON line a window. The first one warms up (routes, caches, compiled code). */
  async run(o: LoadOptions): Promise<Window[]> {
    const { lab } = this;
    const shape = [String(o.clients), String(OUTSTANDING), o.mode === 'interleaved' ? '1' : '0', String(o.windows)];
    const rest = [
      String(o.windowMs),
      String(o.pid),
      o.first ?? lab.firstClient,
      String(Math.round(o.rate)),
      this.packets(o),
    ];
    const child = inNamespace(lab.client, LOAD_CORE, [this.program, lab.serverAddress, o.port, ...shape, ...rest]);
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`load generator: exit ${String(code)}`);
    const lines = text.trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Window);
  }

  private packets({ mode, clients }: LoadOptions): string {
    if (mode !== 'keyed') return '-';
    const path = join(this.dir, `keyed-${clients}`);
    if (!existsSync(path)) writeKeyedRequests(path, clients);
    return path;
  }
}
