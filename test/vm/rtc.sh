#!/bin/bash
# The real-time clock of the machine: updates by interrupt and by reading, tracking, trimming, the start from it (-s).
. "$(dirname "$0")/lib.sh"
lab_load freq_ppb=8000 init_offset_ns=200000000 jitter_ns=100 seed=5
modprobe rtc-cmos 2> /dev/null
ls -l /dev/rtc* 2>&1
product_install
node "$(dirname "$0")/rtc.mjs" || FAILED=$((FAILED + 1))
# Two seconds off: enough to be trimmed.
hwclock_set() { node "$(dirname "$0")/rtc.mjs" set "$1"; }
hwclock_set 2
nmea-feed -d 120 -j 30 shm:0 &
PIDS+=($!)
mkdir -p /tmp/rtclog
CONF="refclock SHM 0 refid NMEA offset 0.12 precision 1e-2 poll 3 noselect
refclock PPS /dev/pps0 poll 3 refid PPS lock NMEA
makestep 0.1 3
rtcfile $DIR/rtcfile
rtcdevice /dev/rtc0
rtconutc
hwclockfile /nonexistent
logdir /tmp/rtclog
log rtc"
daemon_start <<< "$CONF"
wait_for 60 'a source' selected
samples() { show rtcdata | sed -n 's/^Number of samples *: //p'; }
has_samples() { [ "0$(samples)" -ge "$1" ]; }
wait_for 200 'four measurements' has_samples 4
show rtcdata
check 'it is seen to be two seconds off' grep -qE 'RTC is fast by *: +[12]\.[0-9]+ seconds' <(show rtcdata)
check 'trimrtc' ask trimrtc
check 'says what it did' logged 'RTC wrong by [12]\.[0-9]+ seconds \(step\)'
wait_for 200 'four measurements after it' has_samples 4
show rtcdata
check 'now it is right within a second' grep -qE 'RTC is fast by *: +-?0\.[0-9]+ seconds' <(show rtcdata)
wait_for 30 'the file' test -s $DIR/rtcfile
cat $DIR/rtcfile
check 'writertc' ask writertc
cat /tmp/rtclog/rtc.log
check 'rtc.log has lines' grep -qE '^20[0-9-]+ [0-9:]+ +-?[0-9.]+ [01] +-?[0-9.]+ +-?[0-9.]+ +[0-9]+ +[0-9]+ +[0-9]+$' /tmp/rtclog/rtc.log
daemon_stop
# The clock forgets: -s takes it from the RTC and its file, without any source.
date -s '2027-03-01 00:00:00' > /dev/null
: > $DIR/log
daemon_start -s <<< "makestep 0.1 3
rtcfile $DIR/rtcfile
rtcdevice /dev/rtc0
rtconutc
hwclockfile /nonexistent"
check 'set from the RTC' logged 'System time set from RTC'
wait_for 60 'the rest' logged 'System clock off from RTC by -?[0-9.]+ seconds \(slew\)'
sleep 20
score
echo "REALTIME - truth $REAL ns"
check 'right within 20 ms' within 20000000
finish
