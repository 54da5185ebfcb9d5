/** Two network namespaces joined by a virtual Ethernet pair: the benchmark's laboratory. Needs root. */
import { execFileSync } from 'node:child_process';

export interface Lab {
  readonly server: string;
  readonly client: string;
  readonly serverAddress: string;
  /** Every address of this /10 is the client side's own. */
  readonly firstClient: string;
  close(): void;
}

const ip = (...args: string[]): void => {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

export const openLab = (): Lab => {
  const id = process.pid % 100_000;
  const lab = { server: `tbs${id}`, client: `tbc${id}`, serverAddress: '192.0.2.1', firstClient: '10.64.0.1' };
  const close = (): void => {
    for (const ns of [lab.server, lab.client]) {
      try {
        ip('netns', 'del', ns);
      } catch {
        // It was never made.
      }
    }
  };
  try {
    ip('netns', 'add', lab.server);
    ip('netns', 'add', lab.client);
    ip('link', 'add', `s${id}`, 'netns', lab.server, 'type', 'veth', 'peer', 'name', `c${id}`, 'netns', lab.client);
    const inServer = ip.bind(undefined, '-n', lab.server);
    const inClient = ip.bind(undefined, '-n', lab.client);
    inServer('addr', 'add', `${lab.serverAddress}/24`, 'dev', `s${id}`);
    inClient('addr', 'add', '192.0.2.2/24', 'dev', `c${id}`);
    for (const [run, link] of [
      [inServer, `s${id}`],
      [inClient, `c${id}`],
    ] as const) {
      run('link', 'set', 'lo', 'up');
      run('link', 'set', link, 'up');
    }
    inServer('route', 'add', '10.64.0.0/10', 'via', '192.0.2.2');
    inClient('route', 'add', 'local', '10.64.0.0/10', 'dev', 'lo');
  } catch (error) {
    close();
    throw error;
  }
  return { ...lab, close };
};
