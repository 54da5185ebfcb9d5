#include "arrivals.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "timex.h"

namespace tb {
namespace {

constexpr uint32_t STOP = 0;
constexpr uint32_t PORT = 1;
constexpr uint32_t GONE = EPOLLHUP | EPOLLERR;

Status watch(int epoll, int fd, uint32_t events, uint32_t tag) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = tag;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) return Status::last("epoll_ctl");
  return {};
}

}  // namespace

Status Arrivals::open(int fd, std::function<void()> onArrival, std::function<void()> onHangup) {
  fd_ = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!fd_.valid()) return Status::last("fcntl");
  epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return Status::last("epoll_create1");
  Status status = openEvent(&stop_);
  // Edge-triggered: one event a chunk that the driver pushes, whether or not anybody has read the one before.
  if (status.ok()) status = watch(epoll_.get(), fd_.get(), EPOLLIN | EPOLLET, PORT);
  if (!status.ok()) return status;
  // What lay in the buffer already has no known arrival: its initial event is swallowed.
  epoll_event stale;
  const bool gone = ::epoll_wait(epoll_.get(), &stale, 1, 0) == 1 && (stale.events & GONE) != 0;
  status = watch(epoll_.get(), stop_.get(), EPOLLIN, STOP);
  if (!status.ok()) return status;
  thread_ = startThread("tb-arrivals", [this, gone, onArrival = std::move(onArrival), onHangup = std::move(onHangup)] {
    if (gone && onHangup) onHangup();
    run(onArrival, onHangup);
  });
  return {};
}

void Arrivals::run(const std::function<void()>& onArrival, const std::function<void()>& onHangup) {
  for (;;) {
    epoll_event events[2];
    const int n = ::epoll_wait(epoll_.get(), events, 2, -1);
    if (n < 0 && errno != EINTR) return;
    for (int i = 0; i < n; i++) {
      if (events[i].data.u32 == STOP) return;
      if ((events[i].events & EPOLLIN) != 0) {
        stamp();
        if (onArrival) onArrival();
      }
      if ((events[i].events & GONE) != 0) {
        // Watching on would spin.
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd_.get(), nullptr);
        if (onHangup) onHangup();
      }
    }
  }
}

void Arrivals::stamp() {
  Arrival arrival;
  clockRead(CLOCK_REALTIME, &arrival.realtime);
  clockRead(CLOCK_MONOTONIC_RAW, &arrival.monotonicRaw);
  if (::ioctl(fd_.get(), FIONREAD, &arrival.pending) != 0) arrival.pending = 0;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (queue_.size() == QUEUE) {
    queue_.pop_front();
    dropped_++;
  }
  queue_.push_back(arrival);
}

std::vector<Arrival> Arrivals::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Arrival> out(queue_.begin(), queue_.end());
  queue_.clear();
  return out;
}

uint64_t Arrivals::dropped() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return dropped_;
}

void Arrivals::close() {
  if (thread_.joinable()) {
    ringEvent(stop_.get());
    thread_.join();
  }
  fd_.reset();
  epoll_.reset();
  stop_.reset();
}

}  // namespace tb
