#!/bin/bash
# The bridge between PTP and NTP, both ways, over interfaces that stamp. lab1 has a clock that is true time, lab0 one that
# runs by itself. First lab1 is a grandmaster, ptp4l on lab0 steers lab0's clock, and we take it for a reference; then we
# follow pulses, steer lab0's clock, and tell the ptp4l on lab0 what to announce.
. "$(dirname "$0")/lib.sh"
SECONDS_EACH=${SECONDS_EACH:-60}
# s by which the PTP timescale is ahead of what the daemon is to make of it.
OFFSET=36
lab_load freq_ppb=12345 init_offset_ns=3000000 jitter_ns=50 seed=11 wire_ns=2000,2000 pdv_ns=30,30 phc_freq_ppb=-23000
lab-netns lab0 lab1 || exit 1
DEVICE=/dev/ptp$(ethtool -T lab0 | sed -n 's/^.*\(PTP Hardware Clock\|provider index\): *\([0-9]*\).*/\2/p' | head -1)
echo "lab0 has $DEVICE"
inside() { node -e 'process.exit(Math.abs(+process.argv[1]) <= +process.argv[2] ? 0 : 1)' -- "$1" "$2"; }
# Largest of 95 % of the absolute values, without the first 10 lines, and the median.
figures() {
  node -e '
    // ns and, where there is one, a correction in s.
    const sum = (l) => l.split(" ").reduce((all, word, i) => all + Number(word) * (i === 0 ? 1 : 1e9), 0);
    const v = require("fs").readFileSync(0, "utf8").trim().split("\n").map(sum).slice(10);
    const a = v.map(Math.abs).sort((x, y) => x - y), s = [...v].sort((x, y) => x - y);
    console.log(a[Math.floor(a.length * 0.95)].toFixed(0), s[s.length >> 1].toFixed(0), "n", v.length);'
}
master() { pmc -u -b 0 -s "$1" -i /tmp/pmc "$2" 2> /dev/null; }
announces() { master /tmp/lan "GET PARENT_DATA_SET" | grep -qE "gm.ClockClass +$1\$"; }

echo '== from PTP'
ip netns exec lan ptp4l -i lab1 -m -q --free_running 1 --uds_address /tmp/lan --uds_ro_address /tmp/lanro > /tmp/gm.log 2>&1 &
PIDS+=($!)
GM=$!
ptp4l -i lab0 -s -m -q --logSyncInterval 0 > /tmp/slave.log 2>&1 &
SLAVE=$!
PIDS+=($!)
sleep 3
master /tmp/lan "SET GRANDMASTER_SETTINGS_NP clockClass 6 clockAccuracy 0x21 offsetScaledLogVariance 0x4e5d currentUtcOffset $OFFSET leap61 0 leap59 0 currentUtcOffsetValid 1 ptpTimescale 1 timeTraceable 1 frequencyTraceable 1 timeSource 0x20" > /dev/null
daemon_start <<C
ptp4l /var/run/ptp4l
refclock PHC $DEVICE tai poll 0 refid PTP
makestep 0.1 3
allow 10.9.0.0/24
C
wait_for 60 'a source' selected
sleep 30
for ((i = 0; i < SECONDS_EACH; i++)); do
  score
  # What is served: the system clock and what is still to be corrected.
  echo "$((REAL + OFFSET * 1000000000)) $(tracking 4)"
  sleep 1
done > /tmp/served
SEEN=$(figures < /tmp/served)
check "time served is the grandmaster's within 200 ns (95 %; median, n): $SEEN" inside "${SEEN%% *}" 200
check 'it says whom ptp4l follows' logged "follows [0-9a-f]{16} \(class 6\), TAI-UTC $OFFSET seconds"
kill $SLAVE; wait $SLAVE
wait_for 20 'silence' logged 'ptp4l at /var/run/ptp4l does not answer'
wait_for 20 'holdover' logged 'Holding over without a reference'
kill $GM; wait $GM
tail -3 /tmp/slave.log
daemon_stop
cat $DIR/log; mv $DIR/log $DIR/log.from; rm -f $DIR/drift

echo '== to PTP'
nmea-feed -d 120 -j 30 shm:0 &
PIDS+=($!)
ptp4l -i lab0 -m -q > /tmp/gm.log 2>&1 &
PIDS+=($!)
ip netns exec lan ptp4l -i lab1 -s -m -q --free_running 1 --uds_address /tmp/lan --uds_ro_address /tmp/lanro > /tmp/slave.log 2>&1 &
PIDS+=($!)
daemon_start <<C
ptp4l /var/run/ptp4l grandmaster phc $DEVICE
refclock SHM 0 refid NMEA offset 0.12 precision 1e-2 poll 3 noselect
refclock PPS /dev/pps0 poll 4 refid PPS lock NMEA
makestep 0.1 3
C
wait_for 60 'a source' selected
wait_for 60 'clockClass 6 at the receiver' announces 6
sleep 20
for ((i = 0; i < SECONDS_EACH; i++)); do
  score
  echo "$((PHC - 37000000000))"
  sleep 1
done > /tmp/steered
SEEN=$(figures < /tmp/steered)
check "the PHC is true TAI within 200 ns (95 %; median, n): $SEEN" inside "${SEEN%% *}" 200
echo 1 > /sys/module/ppslab/parameters/off
wait_for 60 'clockClass 7 at the receiver' announces 7
check 'clockClass 7 without pulses' announces 7
daemon_stop
wait_for 20 'clockClass 248 at the receiver' announces 248
check 'clockClass 248 when nobody looks after the clock' announces 248
tail -3 /tmp/slave.log
cat $DIR/log
finish
