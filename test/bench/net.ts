/** Two network namespaces joined by a virtual Ethernet pair: the benchmark's laboratory. Needs root. */
import { addNamespace, ip, join, removeNamespace } from '../support/netlab.js';

export interface Lab {
  readonly server: string;
  readonly client: string;
  readonly serverAddress: string;
  /** Every address of this /10 is the client side's own. */
  readonly firstClient: string;
  close(): void;
}

export const openLab = (): Lab => {
  const id = process.pid % 100_000;
  const lab = { server: `tbs${id}`, client: `tbc${id}`, serverAddress: '192.0.2.1', firstClient: '10.64.0.1' };
  const close = (): void => {
    for (const ns of [lab.server, lab.client]) removeNamespace(ns);
  };
  try {
    addNamespace(lab.server);
    addNamespace(lab.client);
    join({ ns: lab.server, link: `s${id}` }, { ns: lab.client, link: `c${id}` });
    const inServer = ip.bind(undefined, '-n', lab.server);
    const inClient = ip.bind(undefined, '-n', lab.client);
    inServer('addr', 'add', `${lab.serverAddress}/24`, 'dev', `s${id}`);
    inClient('addr', 'add', '192.0.2.2/24', 'dev', `c${id}`);
    inServer('route', 'add', '10.64.0.0/10', 'via', '192.0.2.2');
    inClient('route', 'add', 'local', '10.64.0.0/10', 'dev', 'lo');
  } catch (error) {
    close();
    throw error;
  }
  return { ...lab, close };
};
