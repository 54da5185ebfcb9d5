#!/bin/bash
# Network cards that stamp only PTP, both ends of a wire: NTP goes inside PTP messages and is stamped all the same. Ours
# serves an interleaved chronyd; then the same over the NTP port, which must get no such stamps.
. "$(dirname "$0")/lib.sh"
SECONDS_EACH=${SECONDS_EACH:-60}
lab_load freq_ppb=12345 init_offset_ns=3000000 jitter_ns=100 seed=7 wire_ns=5000,5000 pdv_ns=300,300 rx_ptp_only=1
lab-netns lab0 lab1 || exit 1
nmea-feed -d 120 -j 30 shm:0 &
PIDS+=($!)
daemon_start <<C
refclock SHM 0 refid NMEA offset 0.12 precision 1e-2 poll 3 noselect
refclock PPS /dev/pps0 poll 4 refid PPS lock NMEA
makestep 0.1 3
allow 10.9.0.0/24
ptpport 319
hwtimestamp lab0 rxfilter ptp
C
wait_for 60 'a source' selected
sleep 20
mkdir -p -m 0700 /tmp/peer
at_peer() { chronyc -h /tmp/peer/sock -n "$@"; }
field() { sed -n "s/^$1 *: *\([^ ]*\).*/\1/p"; }
peer() { # words of the server line
  ip netns exec lan chronyd -u root -x -d -f /dev/null "server 10.9.0.1 minpoll 0 maxpoll 0 xleave iburst $*" 'port 0' \
    'cmdport 0' 'ptpport 319' 'hwtimestamp lab1 rxfilter ptp' 'bindcmdaddress /tmp/peer/sock' 'pidfile /tmp/peer/pid' \
    >> /tmp/peer/log 2>&1 &
  PEER=$!
  PIDS+=("$PEER")
  for ((i = 0; i < SECONDS_EACH; i++)); do
    score
    echo "$REAL $(at_peer -c tracking | cut -d, -f5)"
    sleep 1
  done > /tmp/peer/error
  at_peer ntpdata > /tmp/peer/ntpdata
  kill "$PEER"
  wait "$PEER"
}
# Of the client's error, ns, without the first 20: the median.
median() {
  node -e '
    const rows = require("fs").readFileSync("/tmp/peer/error", "utf8").trim().split("\n").map((l) => l.split(" ").map(Number));
    const all = rows.slice(20).map(([real, correction]) => real + correction * 1e9).sort((a, b) => a - b);
    console.log(all[all.length >> 1].toFixed(0));'
}
both_cards() { grep -q 'TX timestamping.*Hardware' /tmp/peer/ntpdata && grep -q 'RX timestamping.*Hardware' /tmp/peer/ntpdata; }
hardware() { show serverstats | field "NTP hardware $1 timestamps"; }
more() { [ "$2" -gt $(($1 + SECONDS_EACH / 2)) ]; }
same() { [ "$1" = "$2" ]; }

echo '== inside PTP messages'
BEFORE=$(hardware RX)
peer port 319 extfield F324
grep -E 'Remote port|Offset|delay|Interleaved|timestamping|Total' /tmp/peer/ntpdata
check "the median of chronyd's error: $(median) ns" true
check 'interleaved' grep -q 'Interleaved.*Yes' /tmp/peer/ntpdata
check 'its card stamps both ways' both_cards
AFTER=$(hardware RX)
check "our card stamped what came: $BEFORE, $AFTER" more "$BEFORE" "$AFTER"

echo '== at the NTP port'
peer
grep -E 'Remote port|Offset|Interleaved|timestamping' /tmp/peer/ntpdata
AGAIN=$(hardware RX)
check "there it stamped nothing: $AFTER, $AGAIN" same "$AFTER" "$AGAIN"
show serverstats
cat /tmp/peer/log
finish
