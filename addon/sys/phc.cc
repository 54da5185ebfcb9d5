#include "phc.h"

#include <cstring>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <poll.h>
#include <sys/ioctl.h>

namespace tb {
namespace {

// Fixed on every ABI (only explicitly sized fields).
static_assert(sizeof(ptp_clock_caps) == 80 && sizeof(ptp_sys_offset) == 832, "linux/ptp_clock.h");
static_assert(sizeof(ptp_sys_offset_extended) == 1216 && sizeof(ptp_sys_offset_precise) == 64, "ptp_sys_offset");
static_assert(sizeof(ptp_pin_desc) == 96 && sizeof(ptp_extts_event) == 32 && sizeof(ptp_extts_request) == 16, "extts");
static_assert(static_cast<uint32_t>(PTP_SYS_OFFSET_EXTENDED) == 0xc4c03d09, "PTP_SYS_OFFSET_EXTENDED");
static_assert(static_cast<uint32_t>(PTP_SYS_OFFSET_PRECISE) == 0xc0403d08, "PTP_SYS_OFFSET_PRECISE");
static_assert(static_cast<uint32_t>(PTP_EXTTS_REQUEST2) == 0x40103d0b, "PTP_EXTTS_REQUEST2");
static_assert(PTP_MAX_SAMPLES == Phc::MAX_SAMPLES, "PTP_MAX_SAMPLES");

int64_t toNs(const ptp_clock_time& t) { return t.sec * INT64_C(1000000000) + t.nsec; }

Status control(int fd, unsigned long request, void* argument) {
  if (::ioctl(fd, request, argument) != 0) return Status::last("ioctl");
  return {};
}

/// 0, or the errno that ends the loop.
int readEvents(int fd, const std::function<void(unsigned, int64_t)>& onEvent) {
  ptp_extts_event events[16];
  const ssize_t got = ::read(fd, events, sizeof events);
  if (got < 0) return errno == EINTR || errno == EAGAIN || errno == ERESTART ? 0 : errno;
  const size_t n = static_cast<size_t>(got) / sizeof events[0];
  for (size_t i = 0; i < n; i++) onEvent(events[i].index, toNs(events[i].t));
  return 0;
}

}  // namespace

Status Phc::open(const std::string& path, bool write) {
  Fd fd(::open(path.c_str(), (write ? O_RDWR : O_RDONLY) | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Status::last("open");
  fd_ = std::move(fd);
  PhcCaps caps;
  const Status status = capabilities(&caps);
  if (!status.ok()) fd_.reset();
  return status;
}

void Phc::close() {
  stopEvents();
  fd_.reset();
}

clockid_t Phc::clockId() const { return static_cast<clockid_t>(~static_cast<unsigned>(fd_.get()) << 3 | 3U); }

Status Phc::capabilities(PhcCaps* out) const {
  ptp_clock_caps caps = {};
  const Status status = control(fd_.get(), PTP_CLOCK_GETCAPS, &caps);
  if (!status.ok()) return status;
  *out = {caps.max_adj,   caps.n_alarm, caps.n_ext_ts,                caps.n_per_out,
          caps.pps != 0, caps.n_pins,  caps.cross_timestamping != 0, caps.adjust_phase != 0};
  return {};
}

Status Phc::offsetPrecise(PhcReading* out) const {
  ptp_sys_offset_precise data = {};
  const Status status = control(fd_.get(), PTP_SYS_OFFSET_PRECISE, &data);
  if (!status.ok()) return status;
  *out = {toNs(data.sys_realtime), toNs(data.device), toNs(data.sys_realtime)};
  return {};
}

Status Phc::offsetExtended(int samples, std::vector<PhcReading>* out) const {
  ptp_sys_offset_extended data = {};
  data.n_samples = static_cast<unsigned>(samples);
  const Status status = control(fd_.get(), PTP_SYS_OFFSET_EXTENDED, &data);
  if (!status.ok()) return status;
  for (int i = 0; i < samples; i++) out->push_back({toNs(data.ts[i][0]), toNs(data.ts[i][1]), toNs(data.ts[i][2])});
  return {};
}

Status Phc::offsetBasic(int samples, std::vector<PhcReading>* out) const {
  ptp_sys_offset data = {};
  data.n_samples = static_cast<unsigned>(samples);
  const Status status = control(fd_.get(), PTP_SYS_OFFSET, &data);
  if (!status.ok()) return status;
  // system, PHC, system, PHC, …, system: neighbours share a system reading
  for (int i = 0; i < samples; i++) out->push_back({toNs(data.ts[2 * i]), toNs(data.ts[2 * i + 1]), toNs(data.ts[2 * i + 2])});
  return {};
}

Status Phc::extts(unsigned channel, unsigned flags) const {
  ptp_extts_request request = {};
  request.index = channel;
  request.flags = flags;
  const Status status = control(fd_.get(), PTP_EXTTS_REQUEST2, &request);
  // Only for want of the ioctl (before 5.4): an EINVAL is the driver's answer to these flags and has to be heard.
  if (status.error != ENOTTY) return status;
  return control(fd_.get(), PTP_EXTTS_REQUEST, &request);
}

Status Phc::pinFunction(unsigned pin, unsigned function, unsigned channel) const {
  ptp_pin_desc desc = {};
  desc.index = pin;
  desc.func = function;
  desc.chan = channel;
  return control(fd_.get(), PTP_PIN_SETFUNC, &desc);
}

Status Phc::startEvents(std::function<void(unsigned, int64_t)> onEvent, std::function<void(int)> onError) {
  const Status event = openEvent(&stop_);
  if (!event.ok()) return event;
  thread_ = startThread("tb-phc", [fd = fd_.get(), stop = stop_.get(), onEvent = std::move(onEvent), onError = std::move(onError)] {
    for (;;) {
      pollfd polled[2] = {{stop, POLLIN, 0}, {fd, POLLIN, 0}};
      if (::poll(polled, 2, -1) < 0 && errno != EINTR) return onError(errno);
      if (polled[0].revents != 0) return;
      // A removed clock polls as an error; read() would say so too, but some kernels block there.
      const bool gone = (polled[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
      const int error = gone ? ENODEV : polled[1].revents == 0 ? 0 : readEvents(fd, onEvent);
      if (error != 0) return onError(error);
    }
  });
  return {};
}

void Phc::stopEvents() {
  if (thread_.joinable()) {
    ringEvent(stop_.get());
    thread_.join();
  }
  stop_.reset();
}

}  // namespace tb
