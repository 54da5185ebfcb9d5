// Real-time clocks (linux/rtc.h): a chip that counts whole seconds, also while the machine is off.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "status.h"

namespace tb {

/// The RTC began the second `seconds` between `time` − `error` and `time`.
struct RtcUpdate {
  /// CLOCK_REALTIME, ns
  int64_t time = 0;
  /// Its date and time, counted as if they were UTC, s since 1970.
  int64_t seconds = 0;
  /// ns: 0 by interrupt, the polling interval where the RTC has none.
  int64_t error = 0;
};

class Rtc {
 public:
  Rtc() = default;
  Rtc(const Rtc&) = delete;
  Rtc& operator=(const Rtc&) = delete;
  ~Rtc() { close(); }

  /// EBUSY: another program has it. ENOTTY: not an RTC.
  Status open(const std::string& path);
  /// EINVAL: the RTC says that its time is not to be believed (it had no power).
  Status read(int64_t* seconds) const;
  /// CAP_SYS_TIME.
  Status set(int64_t seconds) const;
  /// `onUpdate` and `onError` run on the thread; it ends after an error.
  Status start(std::function<void(const RtcUpdate&)> onUpdate, std::function<void(int)> onError);
  /// Asks the thread for one update, some two seconds from now. One that is asked for already stays one.
  Status request();
  void close();
  bool opened() const { return fd_.valid(); }

 private:
  Fd fd_;
  Fd stop_;
  Fd ask_;
  std::thread thread_;
};

}  // namespace tb
