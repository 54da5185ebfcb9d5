#!/bin/bash
# Network cards that stamp, both ends of a wire whose delay is known: ours serves an interleaved chronyd, then we are the
# interleaved client of chronyd; each in a network namespace of its own. The client's clock (modelled, -x) is the server's
# own clock: what it finds is its error.
. "$(dirname "$0")/lib.sh"
SECONDS_EACH=${SECONDS_EACH:-240}
lab_load freq_ppb=12345 init_offset_ns=3000000 jitter_ns=100 seed=7 wire_ns=5000,5000 pdv_ns=300,300
lab-netns lab0 lab1 || exit 1
nmea-feed -d 120 -j 30 shm:0 &
PIDS+=($!)

# Lines `name number` from chronyc ntpdata: of all stamps that an end took, % by its card.
share_of() { # hardware kernel daemon
  node -e 'const [h, k, d] = process.argv.slice(1).map(Number); console.log(((100 * h) / (h + k + d || 1)).toFixed(2))' "$@"
}
field() { sed -n "s/^$1 *: *\([^ ]*\).*/\1/p"; }
within_50() { node -e 'process.exit(Math.abs(+process.argv[1]) <= 50 ? 0 : 1)' -- "$1"; }
at_least() { node -e 'process.exit(+process.argv[1] >= +process.argv[2] ? 0 : 1)' "$1" "$2"; }
# The client's error, ns: what it takes the system clock to be off by (the correction in its tracking report) less what
# it is off by. Median, and percentiles 5 and 95.
record_error() { # socket, seconds
  local i
  for ((i = 0; i < $2; i++)); do
    score
    echo "$REAL $(chronyc -h "$1" -c -n tracking | cut -d, -f5)"
    sleep 1
  done
}
median() {
  node -e '
    const rows = require("fs").readFileSync(process.argv[1], "utf8").trim().split("\n").map((l) => l.split(" ").map(Number));
    const all = rows.slice(10).map(([real, correction]) => real + correction * 1e9).sort((a, b) => a - b);
    const at = (p) => all[Math.floor(p * (all.length - 1))].toFixed(0);
    console.log(`${at(0.5)} (${at(0.05)} to ${at(0.95)}, n ${all.length})`);' "$1"
}

echo '== ours as the server'
daemon_start <<C
refclock SHM 0 refid NMEA offset 0.12 precision 1e-2 poll 3 noselect
refclock PPS /dev/pps0 poll 4 refid PPS lock NMEA
makestep 0.1 3
allow 10.9.0.0/24
hwtimestamp lab0
C
wait_for 60 'a source' selected
sleep 30
check 'says so' logged 'Enabled HW timestamping on lab0$'
mkdir -p -m 0700 /tmp/peer
ip netns exec lan chronyd -u root -x -d -f /dev/null 'server 10.9.0.1 minpoll 0 maxpoll 0 xleave iburst' 'port 0' 'cmdport 0' \
  'hwtimestamp lab1' 'bindcmdaddress /tmp/peer/sock' 'pidfile /tmp/peer/pid' 'logdir /tmp/peer' 'log rawmeasurements' \
  > /tmp/peer/log 2>&1 &
PEER=$!
PIDS+=("$PEER")
at_peer() { chronyc -h /tmp/peer/sock -n "$@"; }
record_error /tmp/peer/sock "$SECONDS_EACH" > /tmp/peer/error
at_peer ntpdata > /tmp/peer/ntpdata
grep -E 'Offset|delay|Interleaved|timestamping|Total' /tmp/peer/ntpdata
at_peer sourcestats
cat /tmp/peer/log
cp /tmp/peer/*.log /tmp/peer/error /out/ 2> /dev/null
OFFSET=$(median /tmp/peer/error)
check "the median of chronyd's error is within 50 ns: $OFFSET" within_50 "${OFFSET%% *}"
check 'interleaved' grep -q 'Interleaved.*Yes' /tmp/peer/ntpdata
TX=$(field 'Total HW TX' < /tmp/peer/ntpdata) RX=$(field 'Total HW RX' < /tmp/peer/ntpdata)
ALL=$(field 'Total TX' < /tmp/peer/ntpdata)
echo "chronyd: $TX of $ALL sent and $RX received stamped by its card"
show serverstats | tee /tmp/stats
H=$(($(field 'NTP hardware RX timestamps' < /tmp/stats) + $(field 'NTP hardware TX timestamps' < /tmp/stats)))
K=$(($(field 'NTP kernel RX timestamps' < /tmp/stats) + $(field 'NTP kernel TX timestamps' < /tmp/stats)))
D=$(($(field 'NTP daemon RX timestamps' < /tmp/stats) + $(field 'NTP daemon TX timestamps' < /tmp/stats)))
SHARE=$(share_of $H $K $D)
check "of our stamps at least 99 % are the card's: $SHARE %" at_least "$SHARE" 99
score; echo "system clock against true time: $REAL ns"
kill "$PEER"
wait "$PEER"
daemon_stop
cat $DIR/log
mv $DIR/log $DIR/log.server

echo '== ours as the client'
ip netns exec lan chronyd -u root -x -d -f /dev/null 'local stratum 1' 'allow' 'cmdport 0' 'hwtimestamp lab1' \
  'bindcmdaddress /tmp/peer/sock' 'pidfile /tmp/peer/pid' > /tmp/peer/log 2>&1 &
PIDS+=($!)
sleep 3
daemon_start -x <<C
server 10.9.0.2 minpoll 0 maxpoll 0 iburst xleave
port 0
hwtimestamp *
logdir $DIR
log rawmeasurements
C
wait_for 60 'a source' selected
record_error $DIR/sock "$SECONDS_EACH" > $DIR/error
check 'says so' logged 'Enabled HW timestamping on lab0$'
show ntpdata > $DIR/ntpdata
grep -E 'Offset|delay|Interleaved|timestamping|Total' $DIR/ntpdata
show sourcestats
at_peer serverstats | tail -6
cp $DIR/measurements.log /out/ours.log
cp $DIR/error /out/error.ours
# This server is the system clock itself: the truth does not come in.
sed -i 's/^[^ ]*/0/' $DIR/error
OFFSET=$(median $DIR/error)
check "the median of our error is within 50 ns: $OFFSET" within_50 "${OFFSET%% *}"
check 'interleaved' grep -q 'Interleaved.*Yes' $DIR/ntpdata
H=$(($(field 'Total HW TX' < $DIR/ntpdata) + $(field 'Total HW RX' < $DIR/ntpdata)))
ALL=$(($(field 'Total TX' < $DIR/ntpdata) + $(field 'Total RX' < $DIR/ntpdata)))
SHARE=$(share_of $H $((ALL - H)) 0)
check "of our stamps at least 99 % are the card's: $SHARE %" at_least "$SHARE" 99

echo '== what the card can do, and a test of it'
timeball() { node /tmp/product/bin/timeball "$@"; }
timeball nic lab0
timeball nic lab0 --test 10.9.0.2
check 'eight requests and replies, all stamped by the card' node -e '
  const { test } = JSON.parse(process.argv[1]);
  process.exit(test.sentByCard === 8 && test.receivedByCard === 8 && test.sentByKernel === 8 ? 0 : 1)
' "$(timeball nic lab0 --test 10.9.0.2 --json)"

echo '== bad hardware'
PARAMETERS=/sys/module/ppslab/parameters
stamped() { show ntpdata | sed -n 's/^\(.X\) timestamping : \(.*\)/\1 \2/p' | tr '\n' ' '; }
stamps_are() { [ "$(stamped)" = "$1" ]; }
forgets() { hwstamp_ctl -i lab0 -t 0 -r 0 > /dev/null 2>&1; }
forgets
sleep 5
check 'a card that forgot is told again' stamps_are 'TX Hardware RX Hardware '
echo 1 > $PARAMETERS/rx_ptp_only
forgets
sleep 6
check 'stamps of what is sent alone' stamps_are 'TX Hardware RX Kernel '
check 'says so' logged 'Enabled HW timestamping \(TX only\) on lab0$'
echo 0 > $PARAMETERS/rx_ptp_only
forgets
echo 1 > $PARAMETERS/no_hwts
sleep 6
check 'a card that cannot any more: the kernel stamps' stamps_are 'TX Kernel RX Kernel '
check 'says so' logged 'Could not enable HW timestamping on lab0'
echo 0 > $PARAMETERS/no_hwts
sleep 6
check 'and the card again' stamps_are 'TX Hardware RX Hardware '
before=$(show ntpdata | field 'Total good RX')
for jump in 0.001 -3; do
  phc_ctl lab0 adj $jump > /dev/null 2>&1 || phc_ctl lab0 -- adj $jump
  sleep 12
  check "its clock jumps by $jump s: the card again, after a while" stamps_are 'TX Hardware RX Hardware '
  record_error $DIR/sock 8 > $DIR/error
  sed -i 's/^[^ ]*/0/' $DIR/error
  WORST=$(node -e 'console.log(Math.max(...require("fs").readFileSync(process.argv[1], "utf8").trim().split("\n")
    .map((l) => Math.abs(l.split(" ")[1]) * 1e9)))' $DIR/error)
  check "and our error stays below 2 us: $WORST" node -e 'process.exit(+process.argv[1] < 2000 ? 0 : 1)' "$WORST"
done
echo "good replies meanwhile: $(($(show ntpdata | field 'Total good RX') - before))"

echo '== the interface goes down and up, and gets another name'
ip link set lab0 down
sleep 4
ip link set lab0 name wire0
ip link set wire0 up
ip addr add 10.9.0.1/24 dev wire0 2> /dev/null
sleep 20
check 'stamping after that' logged 'Enabled HW timestamping on wire0$'
show ntpdata | grep -E 'timestamping'
check 'by the card' grep -q 'timestamping.*Hardware' <(show ntpdata)
finish
