/**
 * A bad road for UDP packets, as a program: ADDRESS PORT TOPORT. What comes to ADDRESS:PORT goes on to 127.0.0.1:TOPORT and back, each
 * packet lost, doubled or held up by chance, and held-up ones are overtaken. Says `ready`. For kernels without netem.
 */
import { createSocket, type Socket } from 'node:dgram';

const LOST = 0.2;
const DOUBLED = 0.2;
/** Shares of the packets that wait, and how long at most, ms. */
const HELD = 0.3;
const LONGEST = 8;

const [address = '', port = '0', to = '0'] = process.argv.slice(2);
// Numerical Recipes' generator: the same luck in every run.
let state = 1;
const chance = (): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

const carry = (send: () => void): void => {
  if (chance() < LOST) return;
  const copies = chance() < DOUBLED ? 2 : 1;
  for (let i = 0; i < copies; i++) {
    if (chance() < HELD) setTimeout(send, LONGEST * chance());
    else send();
  }
};

const front = createSocket('udp4');
const back = new Map<string, Socket>();

front.on('message', (bytes, from) => {
  const key = `${from.address} ${from.port}`;
  let socket = back.get(key);
  if (socket === undefined) {
    socket = createSocket('udp4');
    socket.on('message', (reply) => carry(() => front.send(reply, from.port, from.address)));
    back.set(key, socket);
  }
  const out = socket;
  carry(() => out.send(bytes, Number(to), '127.0.0.1'));
});
front.bind(Number(port), address, () => process.stdout.write('ready\n'));
