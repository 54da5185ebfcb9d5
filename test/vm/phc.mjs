// Every way of reading a PHC must give the same offset within its own bracket. `phc.mjs DEVICE`
import { loadNative } from '/tmp/product/dist/src/devices/native.js';

const phc = new (loadNative().Phc)(process.argv[2], false);
console.log(JSON.stringify(phc.capabilities()));
const tightest = (readings) => readings.reduce((a, b) => (b.after - b.before < a.after - a.before ? b : a));
for (const [name, reading] of [
  ['precise', phc.offsetPrecise()],
  ['extended', tightest(phc.offsetExtended(25))],
  ['basic', tightest(phc.offsetBasic(25))],
]) {
  const { before, after } = reading;
  const offset = Number(reading.phc - (before + after) / 2n);
  const half = Number(after - before) / 2;
  const good = Math.abs(offset) < half + 2000;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}: ${offset} ns within ${half} ns`);
}
phc.close();
