#include "timex.h"

#include <cstddef>

namespace tb {

// The 64-bit ABI (linux/timex.h): a library whose struct differs would hand the kernel garbage.
static_assert(sizeof(long) != 8 || sizeof(struct timex) == 208, "struct timex");
static_assert(sizeof(long) != 8 || offsetof(struct timex, tick) == 88, "timex.tick");
static_assert(sizeof(long) != 8 || offsetof(struct timex, tai) == 160, "timex.tai");

Status clockRead(clockid_t clock, int64_t* ns) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) return Status::last("clock_gettime");
  *ns = toNs(t);
  return {};
}

Status clockPair(clockid_t clock, int64_t* ns, int64_t* monotonic) {
  int64_t before = 0;
  int64_t after = 0;
  const Status first = clockRead(CLOCK_MONOTONIC, &before);
  if (!first.ok()) return first;
  const Status second = clockRead(clock, ns);
  if (!second.ok()) return second;
  const Status third = clockRead(CLOCK_MONOTONIC, &after);
  *monotonic = before + (after - before) / 2;
  return third;
}

int64_t clockPrecision() {
  constexpr int READINGS = 1000;
  int64_t least = 1000000000;
  int64_t last = 0;
  clockRead(CLOCK_REALTIME, &last);
  for (int i = 0; i < READINGS; i++) {
    int64_t now = 0;
    clockRead(CLOCK_REALTIME, &now);
    if (now > last && now - last < least) least = now - last;
    last = now;
  }
  return least;
}

Status clockResolution(clockid_t clock, int64_t* ns) {
  struct timespec t;
  if (clock_getres(clock, &t) != 0) return Status::last("clock_getres");
  *ns = toNs(t);
  return {};
}

Status clockAdjust(clockid_t clock, struct timex* tx, int* state, int64_t* at) {
  *state = clock_adjtime(clock, tx);
  if (*state < 0) return Status::last("clock_adjtime");
  // The kernel tells the moment itself, by CLOCK_REALTIME. A reading before or after it may be 8 ms away: that of another thread's turn.
  const bool fine = (tx->status & STA_NANO) != 0;
  const int64_t done = int64_t{tx->time.tv_sec} * 1000000000 + (fine ? tx->time.tv_usec : tx->time.tv_usec * 1000 + 500);
  int64_t realtime = 0;
  int64_t monotonic = 0;
  const Status read = clockPair(CLOCK_REALTIME, &realtime, &monotonic);
  *at = done - (realtime - monotonic);
  return read;
}

}  // namespace tb
