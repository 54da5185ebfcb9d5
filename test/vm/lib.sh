# Sourced by the guest's scripts: starts the daemons, waits, scores. Runs as root in the lab's guest.
# Environment: DAEMON = timeball (default) or chronyd: the same configuration through the other daemon.
DAEMON=${DAEMON:-timeball}
DIR=/tmp/daemon
SCORE=/sys/module/ppslab/parameters/score
FAILED=0
PIDS=()
# For <(...), which the guest's /dev lacks.
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd

# Truth starts after any build date: receivers' dates before it are taken for a GPS week rollover.
lab_load() { # module parameters
  date -s "${START:-2027-03-01 00:00:00}" > /dev/null
  modprobe ppslab "$@" || exit 1
}

product_install() {
  [ -d /tmp/product ] && return
  mkdir -p /tmp/product
  tar xmf /repo/timeball.tar -C /tmp/product 2> /dev/null || exit 1
}

# Configuration on stdin; further arguments go to the daemon.
daemon_start() {
  mkdir -p -m 0700 $DIR
  { cat; printf '%s\n' "driftfile $DIR/drift" "pidfile $DIR/pid" "bindcmdaddress $DIR/sock" 'cmdport 0'; } > $DIR/conf
  case $DAEMON in
    chronyd) chronyd -u root -d -f $DIR/conf "$@" >> $DIR/log 2>&1 & ;;
    timeball) product_install; node /tmp/product/bin/timeballd -u root -d -f $DIR/conf "$@" >> $DIR/log 2>&1 & ;;
  esac
  PIDS+=($!)
  wait_for 60 'ready to answer' ask activity
}

daemon_stop() {
  local pid
  pid=$(cat $DIR/pid) && kill "$pid" && wait "$pid"
}

ask() { chronyc -h $DIR/sock -n "$@" > /dev/null 2>&1; }
show() { chronyc -h $DIR/sock -n "$@" || true; }
# Field N (from 0) of `chronyc -c tracking`.
tracking() { chronyc -h $DIR/sock -c -n tracking | cut -d, -f$(($1 + 1)); }

score() { read -r REAL PHC TRUTH RAW < $SCORE; }
abs() { echo "${1#-}"; }

check() { # text, command...: one verdict a line
  local text=$1
  shift
  if "$@"; then echo "ok   $text"; else echo "FAIL $text"; FAILED=$((FAILED + 1)); fi
}

logged() { grep -qE -- "$1" $DIR/log; }

wait_for() { # seconds text command...
  local limit=$1 text=$2 i
  shift 2
  for ((i = 0; i < limit * 4; i++)); do "$@" && return 0; sleep 0.25; done
  echo "FAIL waited $limit s: $text"
  FAILED=$((FAILED + 1))
  return 1
}

# REALTIME - truth, ns, is within a bound now.
within() { score; [ "$(abs "$REAL")" -le "$1" ]; }
selected() { chronyc -h $DIR/sock -c -n sources 2> /dev/null | grep -q '^[#^],\*'; }

# Scores each second, and says what they come to after `skip` of them: means of the minutes, rms, mean and worst, ns.
rms() { # seconds, of which skip
  local i
  for ((i = 0; i < $1; i++)); do
    score
    echo "$REAL"
    sleep 1
  done > $DIR/scores
  node -e '
    const all = require("fs").readFileSync(process.argv[1], "utf8").trim().split("\n").map(Number).slice(+process.argv[2]);
    const mean = (f) => all.reduce((sum, x) => sum + f(x), 0) / all.length;
    const worst = Math.max(...all.map(Math.abs));
    const minutes = [];
    for (let i = 0; i < all.length; i += 60) {
      const part = all.slice(i, i + 60);
      minutes.push((part.reduce((sum, x) => sum + x, 0) / part.length).toFixed(0));
    }
    console.log(`mean of each minute: ${minutes.join(" ")}`);
    console.log(`rms ${Math.sqrt(mean((x) => x * x)).toFixed(0)} mean ${mean((x) => x).toFixed(0)} worst ${worst} n ${all.length}`);
  ' $DIR/scores "$2"
}

finish() {
  echo "== log"
  cat $DIR/log
  local pid
  for pid in "${PIDS[@]}"; do kill "$pid" 2> /dev/null; done
  dmesg | grep -iE 'warn|bug:|oops' | head -5
  echo "$FAILED failed"
  exit $((FAILED > 0))
}
