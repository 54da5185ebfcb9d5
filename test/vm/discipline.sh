#!/bin/bash
# The system clock against true time, disciplined by a pulse that coarse time numbers.
#   discipline.sh [seconds] [module parameters...]
# DAEMON=chronyd scores the peer under the same noise. SECONDS_FROM=nmea: time from a serial receiver (ours only), else SHM.
. "$(dirname "$0")/lib.sh"
SECS=${1:-600}
shift
lab_load ${*:-freq_ppb=12345 init_offset_ns=3000000 jitter_ns=200 seed=7}
if [ "$SECONDS_FROM" = nmea ]; then
  nmea-feed -d 120 -j 30 pty:/dev/ttyGPS0 &
  COARSE='refclock NMEA /dev/ttyGPS0:baud=9600 refid NMEA offset 0.3 precision 1e-2 poll 3 noselect'
else
  nmea-feed -d 120 -j 30 shm:0 &
  COARSE='refclock SHM 0 refid NMEA offset 0.12 precision 1e-2 poll 3 noselect'
fi
PIDS+=($!)
daemon_start <<C
$COARSE
refclock PPS /dev/pps0 poll ${POLL:-4} refid PPS lock NMEA
makestep 0.1 3
rtcsync
C
rms "$SECS" "${SKIP:-$((SECS / 2))}" > $DIR/score
show sources
show sourcestats
show tracking
check 'a source is selected' selected
sed "s/^/$DAEMON: /" $DIR/score
finish
