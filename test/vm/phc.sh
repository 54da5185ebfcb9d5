#!/bin/bash
# A PHC as a reference clock: precise cross time stamps, the fallbacks, and external time stamps of a pulse.
. "$(dirname "$0")/lib.sh"
lab_load freq_ppb=15000 init_offset_ns=900000000 jitter_ns=100 seed=9 phc_freq_ppb=20000
ptp() { grep -lx "$1" /sys/class/ptp/*/clock_name | sed 's#.*/\(ptp[0-9]*\)/.*#/dev/\1#'; }
TRUTH_PHC=$(ptp 'ppslab truth')
FREE_PHC=$(ptp 'ppslab phc')

try() { # text, bound in ns; configuration on stdin
  local text=$1 bound=$2
  daemon_start < <(cat; echo "makestep 0.1 3")
  check "$text: selects" wait_for 90 'a source' selected
  sleep "${SETTLE:-60}"
  rms 30 0 > $DIR/score
  cat $DIR/score
  check "$text: within $bound ns" within "$bound"
  show sources
  daemon_stop
  rm -f $DIR/drift
}

try 'precise' 300 <<C
refclock PHC $TRUTH_PHC poll 2 refid PHC
C
try 'extended' 3000 <<C
refclock PHC $TRUTH_PHC:nocrossts poll 2 refid PHC
C
nmea-feed -d 120 -j 30 shm:0 &
PIDS+=($!)
try 'external time stamps of a free running PHC' 2000 <<C
refclock SHM 0 refid NMEA offset 0.12 precision 1e-2 poll 3 noselect
refclock PHC $FREE_PHC:extpps:pin=0 poll 3 refid EXT lock NMEA
C
[ "$DAEMON" = chronyd ] || node "$(dirname "$0")/phc.mjs" "$TRUTH_PHC"
finish
