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

Status clockAdjust(clockid_t clock, struct timex* tx, int* state) {
  *state = clock_adjtime(clock, tx);
  if (*state < 0) return Status::last("clock_adjtime");
  return {};
}

}  // namespace tb
