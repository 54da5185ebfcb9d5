/**
 * Asks NTP servers from where it runs (a network namespace): reads lines `address port`, answers each with `from` and the
 * reply in hexadecimal, or `-` after WAIT_MS. Ends with its input.
 */
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { request } from './packets.js';

const WAIT_MS = 400;

const ask = (address: string, port: number): Promise<string> => {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  return new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve('-'), WAIT_MS);
    socket.on('message', (m, from) => {
      clearTimeout(timer);
      resolve(`${from.address} ${m.toString('hex')}`);
    });
    // Unreachable, or no broadcasts for us.
    socket.on('error', () => {});
    socket.bind(0, () => {
      if (!address.includes(':')) socket.setBroadcast(true);
      socket.send(request(), port, address, () => {});
    });
  }).finally(() => socket.close());
};

for await (const line of createInterface({ input: process.stdin })) {
  const [address = '', port = ''] = line.split(' ');
  process.stdout.write(`${await ask(address, Number(port))}\n`);
}
