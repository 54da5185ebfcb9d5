import { ReadlineParser } from '@serialport/parser-readline';
import { loadNative } from '../../devices/native.js';
import { type DemoReceiverReady, parseReceiverConfig, parseReceiverControl } from './receiver-config.js';
import { DemoReceiver } from './receiver-device.js';

/**
 * Main of the demo's receiver: `node receiver-process.js '{"link":"/run/demo/gps0","shm":77}'`. Control messages come
 * as JSON lines on standard input; when that ends, because the parent went away, so does this process.
 */
const config = parseReceiverConfig(process.argv[2]);
if (typeof config === 'string') {
  process.stderr.write(`receiver: ${config}\n`);
  process.exit(64);
}

const receiver = new DemoReceiver(loadNative(), config);
const leave = () => {
  receiver.stop();
  process.exit(0);
};

receiver.start();
const lines = process.stdin.pipe(new ReadlineParser({ delimiter: '\n' }));
lines.on('data', (line: string) => {
  const control = parseReceiverControl(line);
  if (control === undefined) process.stderr.write('receiver: not a control message\n');
  else receiver.apply(control);
});
lines.on('end', leave);
process.on('SIGTERM', leave);
process.on('SIGINT', leave);
process.stdout.on('error', leave);

const ready: DemoReceiverReady = { ready: true, link: config.link, slave: receiver.slavePath ?? '', shm: config.shm };
process.stdout.write(`${JSON.stringify(ready)}\n`);
