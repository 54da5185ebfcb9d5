#include "sched.h"

#include <cstdint>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

namespace tb {

Status lockMemory() {
  // With MCL_FUTURE and a finite limit a later mmap would fail and take V8 down, at the latest once privileges are dropped.
  const rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  rlimit now = {};
  if (::getrlimit(RLIMIT_MEMLOCK, &now) != 0) return Status::last("getrlimit");
  if (now.rlim_cur != RLIM_INFINITY && ::setrlimit(RLIMIT_MEMLOCK, &unlimited) != 0) return Status::last("setrlimit");
  // ONFAULT: V8 reserves address space by the gigabyte that it never touches.
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) return Status::last("mlockall");
  return {};
}

void returnFreedMemory() {
#ifdef __GLIBC__
  // By default glibc raises this to twice the largest block that was ever freed, and keeps megabytes of a start for ever.
  constexpr int KEEP_BYTES = 64 << 10;
  ::mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
  ::malloc_trim(KEEP_BYTES);
#endif
}

Status scheduleFifo(int priority) {
  sched_param parameter = {};
  parameter.sched_priority = priority;
  if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameter) != 0) return Status::last("sched_setscheduler");
  return {};
}

Status holdCpuLatency(Fd* out) {
  Fd fd(::open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return Status::last("open");
  const int32_t microseconds = 0;
  if (::write(fd.get(), &microseconds, sizeof microseconds) != sizeof microseconds) return Status::last("write");
  *out = std::move(fd);
  return {};
}

}  // namespace tb
