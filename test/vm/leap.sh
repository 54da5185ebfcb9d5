#!/bin/bash
# A second inserted at the end of 30 June, known from a list: the kernel makes it, and the time that is served stays right.
. "$(dirname "$0")/lib.sh"
START='2027-06-30 23:57:00' lab_load freq_ppb=12000 init_offset_ns=1300000000 jitter_ns=100 seed=4
product_install
node "$(dirname "$0")/leaplist.mjs" 2027-07-01 > /tmp/leap-seconds.list
nmea-feed -d 120 -j 30 shm:0 &
PIDS+=($!)
MIDNIGHT=$(date -d '2027-07-01 00:00:00' +%s)000000000

until_truth() { # seconds relative to midnight
  local left
  while score; left=$((MIDNIGHT + $1 * 1000000000 - TRUTH)); [ $left -gt 0 ]; do
    sleep "$((left / 1000000000)).$(printf %09d $((left % 1000000000)))"
  done
}
# True time counts on: at midnight it is put back as UTC is, so that it names the second twice.
leap_of_truth() {
  until_truth 0
  echo -1000000000 > /sys/module/ppslab/parameters/step_truth_ns
}
# What a client hears: leap status and offset of the served time from the clock.
client() { chronyd -Q -t 8 -f /dev/null 'server 127.0.0.1 iburst maxsamples 1' 'pidfile /tmp/client.pid' 2>&1 | grep -E 'wrong|No suitable|Timeout' | tail -1; }
served_right() { [[ $(client) =~ wrong\ by\ -?0\.0000 ]]; }

daemon_start <<C
refclock SHM 0 refid NMEA offset 0.12 precision 1e-2 poll 3 noselect
refclock PPS /dev/pps0 poll 3 refid PPS lock NMEA
makestep 0.1 3
rtcsync
leapsecmode ${LEAPSECMODE:-system}
leapseclist /tmp/leap-seconds.list
allow 127.0.0.1
C
wait_for 60 'a source' selected
leap_of_truth &
until_truth -60
check 'announced' [ "$(tracking 13)" = 'Insert second' ]
timex() { node "$(dirname "$0")/timex.mjs"; }
timex
[ "${LEAPSECMODE:-system}" != system ] || check 'the kernel is armed' grep -q '"ins":true' <(timex)
check 'TAI - UTC before' grep -q '"tai":37' <(timex)
check 'served time is right before' served_right
until_truth -1
for i in $(seq 12); do score; echo "$(date -u +%T.%N) $REAL $(tracking 13)"; sleep 0.25; done
until_truth 3
score; echo "at +3 s: $REAL ns"
check 'the clock is right just after' within 20000
until_truth 20
client
check 'served time is right after' served_right
until_truth 40
score; echo "at +40 s: $REAL ns"
check 'within 2 us' within 2000
check 'nothing more is announced' [ "$(tracking 13)" = Normal ]
timex
check 'the kernel is disarmed' grep -q '"ins":false' <(timex)
check 'TAI - UTC after' grep -q '"tai":38' <(timex)
[ "${LEAPSECMODE:-system}" != system ] || check 'the kernel inserted it' grep -q 'inserting leap second' <(dmesg)
check 'it is not taken for a foreign step' bash -c "! grep -q 'Detected a step' $DIR/log"
finish
