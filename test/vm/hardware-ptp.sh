#!/bin/bash
# Network cards that stamp received packets of PTP only (Raspberry Pi and others): NTP inside PTP messages has the cards'
# stamps both ways, ours serving chronyd and chronyd serving ours. Without `rxfilter ptp` they stamp only what is sent.
. "$(dirname "$0")/lib.sh"
lab_load freq_ppb=0 init_offset_ns=0 seed=7 wire_ns=5000,5000 pdv_ns=300,300 rx_ptp_only=1
lab-netns lab0 lab1 || exit 1
mkdir -p -m 0700 /tmp/peer
at_peer() { chronyc -h /tmp/peer/sock -n "$@"; }
peer_start() {
  ip netns exec lan chronyd -u root -x -d -f /dev/null 'ptpport 319' 'cmdport 0' 'hwtimestamp lab1 rxfilter ptp' \
    'bindcmdaddress /tmp/peer/sock' 'pidfile /tmp/peer/pid' "$@" > /tmp/peer/log 2>&1 &
  PEER=$!
  PIDS+=("$PEER")
}
# Both directions by the card, interleaved; and what the client takes the clock to be off by, which is the server's, too.
judge() { # who, ntpdata in a file, that correction in s
  cat "$2"
  check "$1: interleaved" grep -q 'Interleaved.*Yes' "$2"
  check "$1: sent by the card" grep -q 'TX timestamping : Hardware' "$2"
  check "$1: received by the card" grep -q 'RX timestamping : Hardware' "$2"
  check "$1: correction within 300 ns: $3" node -e 'process.exit(Math.abs(+process.argv[1]) < 300e-9 ? 0 : 1)' -- "$3"
}

daemon_start -x <<C
local stratum 1
allow 10.9.0.0/24
ptpport 319
hwtimestamp lab0 rxfilter ptp
C
peer_start 'server 10.9.0.1 port 319 minpoll 0 maxpoll 0 xleave iburst' 'port 0'
sleep 30
at_peer ntpdata > /tmp/ntpdata
judge 'chronyd of ours' /tmp/ntpdata "$(at_peer -c tracking | cut -d, -f5)"
check 'says so' logged 'Enabled HW timestamping on lab0$'
kill "$PEER"
wait "$PEER"
daemon_stop

peer_start 'local stratum 1' allow
sleep 2
daemon_start -x <<C
server 10.9.0.2 port 319 minpoll 0 maxpoll 0 iburst xleave
ptpport 319
port 0
hwtimestamp lab0 rxfilter ptp
C
sleep 30
show ntpdata > /tmp/ntpdata
judge 'ours of chronyd' /tmp/ntpdata "$(tracking 4)"
daemon_stop

echo '== without the filter'
daemon_start -x <<C
server 10.9.0.2 minpoll 0 maxpoll 0 iburst xleave
port 0
hwtimestamp lab0
C
sleep 10
check 'the filter that is set stays' grep -q 'rx_filter 12' <(hwstamp_ctl -i lab0)
check 'sent by the card alone' grep -q 'RX timestamping : Kernel' <(show ntpdata)
check 'says so' logged 'Enabled HW timestamping \(TX only\) on lab0$'
finish
