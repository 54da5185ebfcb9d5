import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Talker } from '../cli/talk.js';
import type { RunDir } from './rundir.js';

/** The real daemon as a child, with `-x`: it may run without any privilege. */
export class DemoDaemon {
  readonly talker: Talker;
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private stopping = false;

  constructor(dir: RunDir, onFailure: (text: string) => void) {
    const main = fileURLToPath(new URL('../../../../bin/timeballd', import.meta.url));
    this.child = spawn(process.execPath, [main, '-x', '-d', '-U', '-f', dir.config, '-l', dir.log], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let words = '';
    this.child.stderr?.on('data', (piece: Buffer) => {
      words = (words + piece.toString()).slice(-2000);
    });
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code) => {
        if (!this.stopping) onFailure(`the daemon ended with status ${code}\n${words}`);
        resolve();
      });
    });
    this.talker = new Talker({ servers: [dir.socket], port: 0, family: 0 });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.talker.close();
    this.child.kill('SIGTERM');
    await this.exited;
  }
}
