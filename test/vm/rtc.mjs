// The addon's view of the RTC: readings, updates by its thread. `set N`: the RTC is set N seconds ahead of the system clock.
import { loadNative } from '/tmp/product/dist/src/devices/native.js';

const native = loadNative();
const now = () => Number(native.clockGettime('realtime') / 1_000_000_000n);
const rtc = new native.Rtc('/dev/rtc0');
if (process.argv[2] === 'set') {
  rtc.set(now() + Number(process.argv[3]));
  rtc.close();
  process.exit(0);
}
console.log('read', rtc.read(), 'system', now());
rtc.set(now());
const updates = [];
const ended = new Promise((resolve) => {
  rtc.start(
    (update) => {
      updates.push(update);
      console.log('update', update.seconds, update.time, update.error);
      if (updates.length === 3) resolve('ok');
      else rtc.request();
    },
    (code) => resolve(code),
  );
  rtc.request();
});
const timer = setTimeout(() => {}, 20_000);
const outcome = await ended;
clearTimeout(timer);
rtc.close();
const [a, , b] = updates;
const off = b === undefined ? Number.NaN : (Number(b.time - a.time) - (b.seconds - a.seconds) * 1e9) / 1e6;
const good = outcome === 'ok' && Math.abs(off) < 20;
console.log(
  `${good ? 'ok  ' : 'FAIL'} three updates, their distance whole seconds within ${off.toFixed(3)} ms: ${outcome}`,
);
process.exit(good ? 0 : 1);
