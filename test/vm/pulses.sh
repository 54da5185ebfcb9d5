#!/bin/bash
# Pulses as bad wires and receivers give them: noise, losses, the wrong edge, sources that go away.
. "$(dirname "$0")/lib.sh"
LAB='freq_ppb=-20000 jitter_ns=100 seed=5 sources=2 invert=0,1'
lab_load $LAB init_offset_ns=1200000000
set_noise() { echo "$2" > /sys/module/ppslab/parameters/$1; }
nmea-feed -d 120 -j 30 pty:/dev/ttyGPS0 &
FEED=$!
PIDS+=("$FEED")
daemon_start <<C
refclock NMEA /dev/ttyGPS0:baud=9600 refid NMEA offset 0.3 precision 1e-2 poll 3 noselect
refclock PPS /dev/pps0 poll 3 refid PPS lock NMEA
refclock PPS /dev/pps1:clear poll 3 refid CLR lock NMEA noselect
refclock PPS /dev/pps2 poll 3 refid GONE lock NMEA noselect
makestep 0.1 3
C
said() { check "$1" within "$2"; score; echo "     $REAL ns"; }

check 'selects' wait_for 60 'a source' selected
sleep 60
said 'clean: within 1 us' 1000
show sources
offset_of() { chronyc -h $DIR/sock -c -n sources | awk -F, -v name="$1" '$3 == name { printf "%.0f", $9 * 1e9 }'; }
check 'the clear edge of an inverted source is on the second' [ "$(abs "$(offset_of CLR)")" -lt 2000 ]

set_noise missing_pct 30,0
set_noise outlier_pct 10,0
set_noise outlier_ns 50000,0
set_noise sawtooth_ns 40,0
sleep 90
said 'missing 30 %, outliers 10 % of 50 us, sawtooth 40 ns: within 2 us' 2000
set_noise missing_pct 0,0
set_noise outlier_pct 0,0
set_noise sawtooth_ns 0,0

set_noise off 1,0
sleep 90
said 'no pulses for 90 s: within 20 us' 20000
show tracking | sed -n '/^Stratum/p;/dispersion/p;/^Leap/p'
set_noise off 0,0
sleep 40
said 'pulses again: within 1 us' 1000

echo '== the receiver is unplugged and plugged in again'
kill "$FEED"
rm -f /dev/ttyGPS0
sleep 30
said 'without a receiver: within 2 us' 2000
nmea-feed -d 120 -j 30 pty:/dev/ttyGPS0 &
PIDS+=($!)
sleep 30
check 'the receiver is read again' test "$(chronyc -h $DIR/sock -c -n sources | awk -F, '$3 == "NMEA" { print $7 < 20 }')" = 1

opened() { ls -l /proc/"$(cat $DIR/pid)"/fd | grep -q "$1\$"; }
echo '== a pulse source that comes, goes and comes'
modprobe pps-ldisc
attach() {
  socat pty,raw,link=/dev/ttyX pty,raw,link=/dev/ttyY 2> /dev/null &
  LINE=$!
  wait_for 5 'ttys' test -e /dev/ttyX
  ldattach PPS /dev/ttyX
  wait_for 5 'pps2' test -e /dev/pps2
}
attach
sleep 10
check 'it is opened' opened pps2
# The line discipline lasts as long as its tty.
kill "$LINE"
wait_for 5 'the removal' test ! -e /dev/pps2
sleep 10
check 'its removal is noticed' logged 'GONE device is down: .*ENODEV'
attach
sleep 15
check 'it comes back by its name and is opened again' opened pps2
kill "$LINE"
said 'all the while: within 1 us' 1000

echo '== the driver of the pulse is unloaded and loaded again'
sleep 2
modprobe -r ppslab
sleep 20
check 'its removal is noticed' logged 'PPS device is down'
# True time is then what the clock says.
modprobe ppslab $LAB
rm -f /dev/ttyGPS0
nmea-feed -d 120 -j 30 pty:/dev/ttyGPS0 &
PIDS+=($!)
sleep 40
check 'it is opened again' opened pps0
check 'it is selected again' selected
said 'within 1 us' 1000
daemon_stop
finish
