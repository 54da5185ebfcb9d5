// Stamps the arrival of bytes at a tty without consuming them: someone else reads the port.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "status.h"

namespace tb {

struct Arrival {
  /// CLOCK_REALTIME and CLOCK_MONOTONIC_RAW, ns
  int64_t realtime = 0;
  int64_t monotonicRaw = 0;
  /// FIONREAD just after
  int pending = 0;
};

class Arrivals {
 public:
  static constexpr size_t QUEUE = 256;

  Arrivals() = default;
  Arrivals(const Arrivals&) = delete;
  Arrivals& operator=(const Arrivals&) = delete;
  ~Arrivals() { close(); }

  /// Watches a dup of `fd` (so the owner may close its own). Both are called on the thread and may be empty; `onHangup`
  /// once, when the port is gone. EPERM: fd cannot be polled.
  Status open(int fd, std::function<void()> onArrival, std::function<void()> onHangup = {});
  std::vector<Arrival> take();
  uint64_t dropped();
  void close();

 private:
  void run(const std::function<void()>& onArrival, const std::function<void()>& onHangup);
  void stamp();

  Fd fd_;
  Fd epoll_;
  Fd stop_;
  std::thread thread_;
  std::mutex mutex_;
  std::deque<Arrival> queue_;
  uint64_t dropped_ = 0;
};

}  // namespace tb
