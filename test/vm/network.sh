#!/bin/bash
# Served over a wire whose delay is known, between two network namespaces: ours serves chronyd, then chronyd serves ours.
. "$(dirname "$0")/lib.sh"
lab_load freq_ppb=12345 init_offset_ns=3000000 jitter_ns=100 seed=7 wire_ns=5000,5000 pdv_ns=300,300
lab-netns lab0 lab1 || exit 1
nmea-feed -d 120 -j 30 shm:0 &
PIDS+=($!)
daemon_start <<C
refclock SHM 0 refid NMEA offset 0.12 precision 1e-2 poll 3 noselect
refclock PPS /dev/pps0 poll 4 refid PPS lock NMEA
makestep 0.1 3
allow 10.9.0.0/24
C
wait_for 60 'a source' selected
sleep 30
mkdir -p -m 0700 /tmp/peer
ip netns exec lan chronyd -u root -x -d -f /dev/null 'server 10.9.0.1 minpoll 0 maxpoll 0 xleave iburst' 'port 0' 'cmdport 0' \
  'hwtimestamp lab1' 'bindcmdaddress /tmp/peer/sock' 'pidfile /tmp/peer/pid' > /tmp/peer/log 2>&1 &
PEER=$!
PIDS+=("$PEER")
sleep 60
at_peer() { chronyc -h /tmp/peer/sock "$@"; }
at_peer -n sources
at_peer -n sourcestats
at_peer -n ntpdata | grep -E 'Offset|delay|Interleaved|timestamping|Total'
# The server stamps in the kernel (software), the client in hardware: what is between them is emulated code, tens of us.
check 'the client finds our time within 50 us' node -e "process.exit(Math.abs($(at_peer -c -n sourcestats | cut -d, -f7)) < 50e-6 ? 0 : 1)"
check 'interleaved' grep -q 'Interleaved.*Yes' <(at_peer -n ntpdata)
show serverstats
kill "$PEER"
wait "$PEER"
daemon_stop

echo '== ours as the client'
ip netns exec lan chronyd -u root -x -d -f /dev/null 'local stratum 1' 'allow' 'cmdport 0' 'hwtimestamp lab1' \
  'bindcmdaddress /tmp/peer/sock' 'pidfile /tmp/peer/pid' > /tmp/peer/log 2>&1 &
PIDS+=($!)
sleep 3
mv $DIR/log $DIR/log.server
daemon_start -x <<C
server 10.9.0.2 minpoll 0 maxpoll 0 iburst
port 0
C
wait_for 60 'a source' selected
sleep 40
show sources
show sourcestats
show ntpdata | grep -E 'Offset|delay|Interleaved|timestamping|Total'
check 'our client finds the time within 50 us' node -e "process.exit(Math.abs($(chronyc -h $DIR/sock -c -n sourcestats | cut -d, -f7)) < 50e-6 ? 0 : 1)"
cat $DIR/log.server
finish
