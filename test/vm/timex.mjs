// The kernel's clock as adjtimex shows it, one JSON line. `timex.mjs freq PPM`: set the frequency behind the daemon's back.
import { loadNative } from '/tmp/product/dist/src/devices/native.js';

const native = loadNative();
const [what, ppm] = process.argv.slice(2);
const FREQUENCY = { modes: 2, freq: BigInt(Math.round(Number(ppm ?? 0) * 65536)) };
const t = native.clockAdjtime(0, what === 'freq' ? FREQUENCY : { modes: 0 });
console.log(
  JSON.stringify({
    status: t.status,
    unsync: (t.status & 0x40) !== 0,
    ins: (t.status & 0x10) !== 0,
    state: t.state,
    maxerrorUs: Number(t.maxerror),
    esterrorUs: Number(t.esterror),
    ppm: (Number(t.tick) - 10000) * 100 + Number(t.freq) / 65536,
    tick: Number(t.tick),
    tai: t.tai,
  }),
);
