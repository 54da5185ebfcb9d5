// Clocks: reading, resolution, and clock_adjtime(2).
#pragma once

#include <cstdint>
#include <ctime>
#include <sys/timex.h>

#include "status.h"

namespace tb {

/// ns since the clock's epoch.
Status clockRead(clockid_t clock, int64_t* ns);
/// A clock and CLOCK_MONOTONIC at one moment, to a fraction of a reading.
Status clockPair(clockid_t clock, int64_t* ns, int64_t* monotonic);
/// Resolution in ns.
Status clockResolution(clockid_t clock, int64_t* ns);
/// The least time, ns, between two readings of CLOCK_REALTIME that differ: no stamp by this clock is better.
int64_t clockPrecision();
/// In and out as the kernel does; `state` is its return value (TIME_OK 0 … TIME_ERROR 5), `at` CLOCK_MONOTONIC when the
/// kernel did it, ns, to its grain of 1 µs (ADJ_SETOFFSET: undefined).
Status clockAdjust(clockid_t clock, struct timex* tx, int* state, int64_t* at);

inline int64_t toNs(const struct timespec& t) { return static_cast<int64_t>(t.tv_sec) * 1000000000 + t.tv_nsec; }

}  // namespace tb
