#!/bin/bash
# What the daemon does to the kernel's clock: steps, frequency, status; and what others do to it meanwhile.
. "$(dirname "$0")/lib.sh"
product_install
lab_load freq_ppb=80000 init_offset_ns=3700000000 jitter_ns=100 seed=3
nmea-feed -d 120 -j 30 shm:0 &
PIDS+=($!)

timex() { node "$(dirname "$0")/timex.mjs" "$@"; }
field() { timex | node -pe "JSON.parse(require('fs').readFileSync(0, 'utf8')).$1"; }
holds() { node -e "const v = Number('$1'); process.exit(v >= $2 && v <= $3 ? 0 : 1)"; }
unsync() { [ "$(field unsync)" = "$1" ]; }

config() {
  cat <<C
refclock SHM 0 refid NMEA offset 0.12 precision 1e-2 poll 3 noselect
refclock PPS /dev/pps0 poll 4 refid PPS lock NMEA
makestep 1 3
rtcsync
C
}

check 'before: not synchronised' unsync true
daemon_start < <(config)
check 'selects within 90 s' wait_for 90 'a source' selected
check 'makestep: within 1 ms' wait_for 20 'the step' within 1000000
check 'the step is told' logged 'stepped by'
sleep 120
timex
check 'within 2 us' within 2000
check 'rtcsync clears UNSYNC' unsync false
check 'maxerror between 1 us and 10 ms' holds "$(field maxerrorUs)" 1 10000
check 'esterror at most maxerror' holds "$(field esterrorUs)" 0 "$(field maxerrorUs)"
check 'tick and frequency: -80 ppm' holds "$(field ppm)" -80.5 -79.5
check 'tracking says 80 ppm fast' holds "$(tracking 7)" 79.5 80.5

echo '== another program sets the frequency'
timex freq 300 > /dev/null
sleep 30
show tracking | sed -n 4,8p
score; echo "$REAL ns after 30 s"
sleep 60
score; echo "$REAL ns after 90 s"
check 'frequency put right' holds "$(field ppm)" -80.5 -79.5
check 'within 5 us again' within 5000

echo '== another program steps the clock by 5 s'
date -s "@$(($(date +%s) + 5))" > /dev/null
sleep 2
score; echo "$REAL ns after 2 s"
check 'the foreign step is told' logged 'Detected a step|time jump'
sleep 100
score; echo "$REAL ns after 102 s"
show tracking | sed -n 4,8p
check 'within 10 us again' wait_for 100 'recovery' within 10000

echo '== stop and start'
daemon_stop
cat $DIR/drift
check 'drift file: 80 ppm' holds "$(awk '{print $1}' $DIR/drift)" 79.5 80.5
echo "after the stop: $(timex)"
sleep 5
daemon_start < <(config)
sleep 1
echo "just started: $(timex)"
check 'frequency from the drift file at once' holds "$(field ppm)" -80.5 -79.5
check 'within 100 us at once' within 100000
check 'selects again' wait_for 90 'a source' selected
sleep 40
check 'within 2 us' within 2000
finish
