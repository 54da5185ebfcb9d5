// PTP hardware clocks (linux/ptp_clock.h).
#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "status.h"

namespace tb {

struct PhcCaps {
  int maxAdjPpb = 0;
  int nAlarm = 0;
  int nExtTs = 0;
  int nPerOut = 0;
  bool pps = false;
  int nPins = 0;
  bool crossTimestamping = false;
  bool adjustPhase = false;
};

/// System clock (REALTIME) before and after, PHC between, ns.
struct PhcReading {
  int64_t before = 0;
  int64_t phc = 0;
  int64_t after = 0;
};

class Phc {
 public:
  /// The most readings one ioctl makes (PTP_MAX_SAMPLES).
  static constexpr int MAX_SAMPLES = 25;

  Phc() = default;
  Phc(const Phc&) = delete;
  Phc& operator=(const Phc&) = delete;
  ~Phc() { close(); }

  /// `write`: needed to adjust the clock and, from Linux 6.15, for pins and external time stamps. ENOTTY: not a PHC.
  Status open(const std::string& path, bool write);
  void close();
  bool opened() const { return fd_.valid(); }

  /// FD_TO_CLOCKID of the kernel: valid for clock_gettime and clock_adjtime while this is open.
  clockid_t clockId() const;
  Status capabilities(PhcCaps* out) const;
  Status offsetPrecise(PhcReading* out) const;
  Status offsetExtended(int samples, std::vector<PhcReading>* out) const;
  Status offsetBasic(int samples, std::vector<PhcReading>* out) const;
  Status extts(unsigned channel, unsigned flags) const;
  Status pinFunction(unsigned pin, unsigned function, unsigned channel) const;

  /// Reads external time stamps on a thread; it ends after an error (ENODEV: removed).
  Status startEvents(std::function<void(unsigned channel, int64_t time)> onEvent, std::function<void(int)> onError);
  void stopEvents();

 private:
  Fd fd_;
  Fd stop_;
  std::thread thread_;
};

}  // namespace tb
