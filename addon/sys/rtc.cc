#include "rtc.h"

#include <ctime>
#include <fcntl.h>
#include <linux/rtc.h>
#include <poll.h>
#include <sys/ioctl.h>

namespace tb {
namespace {

constexpr int64_t NS = 1000000000;
/// An update comes every second; an RTC that is silent for longer has no interrupts, whatever it said.
constexpr int INTERRUPT_MS = 2500;
/// Where there are no interrupts the RTC is read this often until its second changes.
constexpr int POLL_MS = 5;

static_assert(sizeof(rtc_time) == 9 * sizeof(int), "linux/rtc.h");

int64_t now() {
  timespec t;
  ::clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * NS + t.tv_nsec;
}

Status readFrom(int fd, int64_t* seconds) {
  rtc_time r = {};
  if (::ioctl(fd, RTC_RD_TIME, &r) != 0) return Status::last("ioctl");
  tm t = {};
  t.tm_sec = r.tm_sec;
  t.tm_min = r.tm_min;
  t.tm_hour = r.tm_hour;
  t.tm_mday = r.tm_mday;
  t.tm_mon = r.tm_mon;
  t.tm_year = r.tm_year;
  *seconds = ::timegm(&t);
  return {};
}

/// ECANCELED: stopped meanwhile. ETIMEDOUT.
int waitReadable(int fd, int stop, int timeoutMs) {
  pollfd polled[2] = {{stop, POLLIN, 0}, {fd, POLLIN, 0}};
  const int ready = ::poll(polled, 2, timeoutMs);
  if (polled[0].revents != 0) return ECANCELED;
  if (ready < 0) return errno;
  return ready == 0 ? ETIMEDOUT : 0;
}

/// The next interrupt, stamped.
int waitInterrupt(int fd, int stop, int64_t* time) {
  int error = waitReadable(fd, stop, INTERRUPT_MS);
  if (error != 0) return error;
  unsigned long data = 0;
  if (::read(fd, &data, sizeof data) < 0) return errno;
  *time = now();
  return 0;
}

int byInterrupt(int fd, int stop, RtcUpdate* out) {
  if (::ioctl(fd, RTC_UIE_ON, 0) != 0) return ENOTSUP;
  // One that was pending from before may come at once: only the second is certainly of now.
  int error = waitInterrupt(fd, stop, &out->time);
  if (error == 0) error = waitInterrupt(fd, stop, &out->time);
  if (error == 0) error = readFrom(fd, &out->seconds).error;
  ::ioctl(fd, RTC_UIE_OFF, 0);
  out->error = 0;
  return error;
}

/// Many chips on an I2C bus have no interrupt line.
int byReading(int fd, int stop, RtcUpdate* out) {
  int64_t first = 0;
  int error = readFrom(fd, &first).error;
  int64_t before = now();
  for (int waited = 0; error == 0 && waited <= INTERRUPT_MS; waited += POLL_MS) {
    error = waitReadable(-1, stop, POLL_MS);
    if (error != ETIMEDOUT) return error == 0 ? EIO : error;
    const int64_t start = now();
    error = readFrom(fd, &out->seconds).error;
    out->time = now();
    out->error = out->time - before;
    if (error == 0 && out->seconds != first) return 0;
    before = start;
  }
  return error == 0 ? ETIMEDOUT : error;
}

}  // namespace

Status Rtc::open(const std::string& path) {
  // Writing is not needed even for setting; some systems let a group read only.
  Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Status::last("open");
  int64_t seconds = 0;
  const Status status = readFrom(fd.get(), &seconds);
  // One that has lost its power can still be set.
  if (!status.ok() && status.error != EINVAL) return status;
  fd_ = std::move(fd);
  return {};
}

Status Rtc::read(int64_t* seconds) const { return readFrom(fd_.get(), seconds); }

Status Rtc::set(int64_t seconds) const {
  const time_t whole = seconds;
  tm t = {};
  ::gmtime_r(&whole, &t);
  rtc_time r = {};
  r.tm_sec = t.tm_sec;
  r.tm_min = t.tm_min;
  r.tm_hour = t.tm_hour;
  r.tm_mday = t.tm_mday;
  r.tm_mon = t.tm_mon;
  r.tm_year = t.tm_year;
  r.tm_wday = t.tm_wday;
  if (::ioctl(fd_.get(), RTC_SET_TIME, &r) != 0) return Status::last("ioctl");
  return {};
}

Status Rtc::start(std::function<void(const RtcUpdate&)> onUpdate, std::function<void(int)> onError) {
  Status event = openEvent(&stop_);
  if (event.ok()) event = openEvent(&ask_);
  if (!event.ok()) return event;
  thread_ = startThread("tb-rtc", [fd = fd_.get(), stop = stop_.get(), ask = ask_.get(), onUpdate = std::move(onUpdate),
                                   onError = std::move(onError)] {
    bool interrupts = true;
    for (;;) {
      int error = waitReadable(ask, stop, -1);
      if (error == ECANCELED) return;
      if (error == EINTR) continue;
      RtcUpdate update;
      if (error == 0) {
        error = interrupts ? byInterrupt(fd, stop, &update) : ENOTSUP;
        if (error == ENOTSUP || error == ETIMEDOUT) {
          interrupts = false;
          error = byReading(fd, stop, &update);
        }
      }
      if (error == ECANCELED) return;
      if (error != 0) return onError(error);
      // Asked again meanwhile is asked once.
      clearEvent(ask);
      onUpdate(update);
    }
  });
  return {};
}

Status Rtc::request() { return ringEvent(ask_.get()); }

void Rtc::close() {
  if (thread_.joinable()) {
    ringEvent(stop_.get());
    thread_.join();
  }
  stop_.reset();
  ask_.reset();
  fd_.reset();
}

}  // namespace tb
