// Scheduling, memory and idle states: what keeps a stamping thread from being late.
#pragma once

#include "status.h"

namespace tb {

/// mlockall, with the limit on locked memory lifted first; EPERM when it may not be lifted.
Status lockMemory();
/// Has malloc give freed memory back to the system: what has been freed by now, and from now on. Does nothing but with glibc.
void returnFreedMemory();
/// SCHED_FIFO for the calling thread only: threads that it starts are ordinary again.
Status scheduleFifo(int priority);
/// Forbids deep idle states (10–100 µs of wake-up latency) for as long as `out` stays open.
Status holdCpuLatency(Fd* out);

}  // namespace tb
