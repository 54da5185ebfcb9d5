// Kernel PPS sources (RFC 2783 over linux/pps.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "status.h"

namespace tb {

struct PpsParams {
  int mode = 0;
  /// ns
  int64_t assertOffset = 0;
  int64_t clearOffset = 0;
};

struct PpsInfo {
  uint32_t assertSequence = 0;
  uint32_t clearSequence = 0;
  /// CLOCK_REALTIME, ns; 0 with sequence 0 = no event yet
  int64_t assertTime = 0;
  int64_t clearTime = 0;
  int mode = 0;
};

class Pps {
 public:
  /**
   * A PPS source, or a terminal: that is given the line discipline N_PPS (as ldattach does), unless it has it already, and
   * the source which the kernel makes of its carrier detect line is opened; it lasts until close(). ENOTTY: neither. EINVAL
   * ("TIOCSETD"): the kernel has no pps-ldisc. ENODEV: the source cannot be found.
   */
  Status open(const std::string& path);
  void close();
  bool opened() const { return fd_.valid(); }

  Status capabilities(int* mode) const;
  Status getParams(PpsParams* out) const;
  /// For every opener of the source.
  Status setParams(const PpsParams& params) const;
  /// 0 = the last event at once; negative = wait for ever. ETIMEDOUT.
  Status fetch(int64_t timeoutMs, PpsInfo* out) const;

  /// Longest wait of the fetch thread: how long it may outlive its stop.
  static constexpr int64_t THREAD_TIMEOUT_MS = 1500;
  /**
   * Fetches on a detached thread until `*stopped` or an error other than ETIMEDOUT. PPS_FETCH can be interrupted by
   * nothing but a signal (and poll() on the device means nothing on old kernels), so the thread is not waited for: it owns a
   * dup of the descriptor and looks at `stopped` before it reports. After a silent THREAD_TIMEOUT_MS it looks whether the path
   * still is this device: ENODEV when not. (Before Linux 6.14 a removed source whose descriptor is open just stays silent for
   * ever, and keeps its number taken until it is closed.)
   */
  Status start(std::shared_ptr<std::atomic<bool>> stopped, std::function<void(const PpsInfo&)> onInfo,
               std::function<void(int)> onError) const;

 private:
  Status openDevice(const std::string& path);
  Status attach(Fd tty);

  std::string path_;
  Fd fd_;
  /// The terminal whose line discipline was changed, and what it had before.
  Fd tty_;
  int before_ = 0;
};

}  // namespace tb
