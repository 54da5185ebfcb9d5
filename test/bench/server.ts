/** The server under load: a packet plane with a fixed state. Arguments: address, port. Says `ready` when it answers. */
import { startPlane } from '../../src/app/plane.js';
import { hostState } from '../support/plane.js';
import { ALLOW_ALL } from '../support/server.js';

const [address = '', port = '123'] = process.argv.slice(2);
const plane = await startPlane({ sockets: [{ family: 4, address, port: Number(port) }], access: [ALLOW_ALL] });
plane.publish(hostState());
process.stdout.write('ready\n');
process.on('SIGTERM', () => {
  const names = ['received', 'batches', 'interleaved', 'txStamps', 'txStampsLost', 'overflows', 'sendErrors'] as const;
  process.stderr.write(`${JSON.stringify(Object.fromEntries(names.map((n) => [n, plane.counter(n)])))}\n`);
  void plane.stop().then(() => process.exit(0));
});
