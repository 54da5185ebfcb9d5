// The NTP shared memory segment: both sides of its count/valid protocol.
#pragma once

#include <cstddef>
#include <cstdint>

#include "status.h"

namespace tb {

/// One segment as producers with a 64-bit time_t lay it out (96 bytes).
struct ShmSegment {
  int32_t mode;
  uint32_t count;
  int64_t clockSec;
  int32_t clockUsec;
  int64_t receiveSec;
  int32_t receiveUsec;
  int32_t leap;
  int32_t precision;
  int32_t samples;
  int32_t valid;
  uint32_t clockNsec;
  uint32_t receiveNsec;
  int32_t reserved[8];
};
// i386 aligns 64-bit integers to four bytes; its producers have another layout and another size.
static_assert(alignof(int64_t) != 8 || sizeof(ShmSegment) == 96, "ShmSegment");
static_assert(alignof(int64_t) != 8 || offsetof(ShmSegment, receiveUsec) == 32, "ShmSegment.receiveUsec");
static_assert(alignof(int64_t) != 8 || offsetof(ShmSegment, clockNsec) == 52, "ShmSegment.clockNsec");

struct ShmSample {
  int mode = 0;
  /// ns since 1970
  int64_t clock = 0;
  int64_t receive = 0;
  int leap = 0;
  int precision = 0;
};

enum class ShmRead { sample, none, clash, mode, range };

class Shm {
 public:
  Shm() = default;
  Shm(const Shm&) = delete;
  Shm& operator=(const Shm&) = delete;
  ~Shm() { detach(); }

  /// EINVAL: a segment smaller than ours exists (its producer has another time_t).
  Status attach(int unit, int perm, bool create);
  void detach();
  /// Marks the segment for removal: it goes when the last process has let go of it.
  Status remove();
  bool attached() const { return segment_ != nullptr; }

  /// `consume` clears the valid flag, whatever was found. EACCES on a segment we may only read.
  Status read(bool consume, ShmRead* verdict, ShmSample* out);
  /// Times must not be negative.
  Status write(const ShmSample& sample);

  size_t size() const { return size_; }
  uint32_t uid() const { return uid_; }
  uint32_t mode() const { return mode_; }

 private:
  Status adopt(int id);

  ShmSegment* segment_ = nullptr;
  int id_ = -1;
  bool readOnly_ = false;
  size_t size_ = 0;
  uint32_t uid_ = 0;
  uint32_t mode_ = 0;
};

}  // namespace tb
