#include "pps.h"

#include <algorithm>
#include <cstddef>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <linux/pps.h>
#include <linux/tty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace tb {
namespace {

constexpr int64_t NS = 1000000000;

// The ioctl numbers encode the size of a pointer: the header's are right for each ABI, these for 64 bits.
static_assert(sizeof(void*) != 8 || static_cast<uint32_t>(PPS_FETCH) == 0xc00870a4, "PPS_FETCH");
static_assert(sizeof(void*) != 8 || static_cast<uint32_t>(PPS_SETPARAMS) == 0x400870a2, "PPS_SETPARAMS");
static_assert(sizeof(pps_ktime) == 16 && sizeof(pps_kinfo) == 48 && sizeof(pps_fdata) == 64, "linux/pps.h");
static_assert(sizeof(pps_kparams) == 40 && offsetof(pps_kparams, clear_off_tu) == 24, "pps_kparams");

int64_t toNs(const pps_ktime& t) { return t.sec * NS + t.nsec; }

pps_ktime fromNs(int64_t ns) {
  pps_ktime t = {};
  t.sec = ns / NS;
  t.nsec = static_cast<int32_t>(ns % NS);
  if (t.nsec < 0) {
    t.nsec += static_cast<int32_t>(NS);
    t.sec--;
  }
  return t;
}

Status control(int fd, unsigned long request, void* argument) {
  if (::ioctl(fd, request, argument) != 0) return Status::last("ioctl");
  return {};
}

Status fetchFrom(int fd, int64_t timeoutMs, PpsInfo* out) {
  pps_fdata data = {};
  if (timeoutMs < 0) {
    data.timeout.flags = PPS_TIME_INVALID;
  } else {
    data.timeout = fromNs(timeoutMs * 1000000);
  }
  const Status status = control(fd, PPS_FETCH, &data);
  if (!status.ok()) return status;
  out->assertSequence = data.info.assert_sequence;
  out->clearSequence = data.info.clear_sequence;
  out->assertTime = toNs(data.info.assert_tu);
  out->clearTime = toNs(data.info.clear_tu);
  out->mode = data.info.current_mode;
  return {};
}

/// Does the path still name the device that is open?
bool isStill(const std::string& path, int fd) {
  struct stat named;
  struct stat open;
  if (::stat(path.c_str(), &named) != 0 || ::fstat(fd, &open) != 0) return false;
  return named.st_rdev == open.st_rdev && named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

/// "/dev/pts/3" and "/dev/pts3", as the kernel calls it, are the same.
std::string withoutSlashes(std::string name) {
  name.erase(std::remove(name.begin(), name.end(), '/'), name.end());
  return name;
}

/// The source whose sysfs attribute "path" names the terminal; the last one, where a removed one still has its number.
std::string sourceOf(const std::string& tty) {
  std::string found;
  int last = -1;
  DIR* dir = ::opendir("/sys/class/pps");
  if (dir == nullptr) return found;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    if (name.rfind("pps", 0) != 0) continue;
    std::ifstream file("/sys/class/pps/" + name + "/path");
    std::string path;
    std::getline(file, path);
    const int number = std::atoi(name.c_str() + 3);
    if (withoutSlashes(path) != withoutSlashes(tty) || number <= last) continue;
    last = number;
    found = "/dev/" + name;
  }
  ::closedir(dir);
  return found;
}

}  // namespace

Status Pps::open(const std::string& path) {
  Fd tty(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!tty.valid() || ::isatty(tty.get()) == 0) return openDevice(path);
  const Status status = attach(std::move(tty));
  if (!status.ok()) close();
  return status;
}

Status Pps::attach(Fd tty) {
  char name[128];
  if (::ttyname_r(tty.get(), name, sizeof name) != 0) return Status::last("ttyname_r");
  int before = 0;
  if (::ioctl(tty.get(), TIOCGETD, &before) != 0) return Status::last("TIOCGETD");
  const int wanted = N_PPS;
  // Somebody else's (ldattach) is not ours to take away.
  if (before != wanted) {
    if (::ioctl(tty.get(), TIOCSETD, &wanted) != 0) return Status::last("TIOCSETD");
    tty_ = std::move(tty);
    before_ = before;
  }
  const std::string source = sourceOf(name);
  return source.empty() ? Status{ENODEV, "/sys/class/pps"} : openDevice(source);
}

void Pps::close() {
  fd_.reset();
  if (tty_.valid()) ::ioctl(tty_.get(), TIOCSETD, &before_);
  tty_.reset();
}

Status Pps::openDevice(const std::string& path) {
  constexpr int FLAGS = O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  Fd fd(::open(path.c_str(), O_RDWR | FLAGS));
  // Reading pulses needs no more than this; setting parameters is a matter of capabilities.
  if (!fd.valid() && errno == EACCES) fd = Fd(::open(path.c_str(), O_RDONLY | FLAGS));
  if (!fd.valid()) return Status::last("open");
  fd_ = std::move(fd);
  path_ = path;
  int mode = 0;
  const Status status = capabilities(&mode);
  if (!status.ok()) fd_.reset();
  return status;
}

Status Pps::capabilities(int* mode) const { return control(fd_.get(), PPS_GETCAP, mode); }

Status Pps::getParams(PpsParams* out) const {
  pps_kparams params = {};
  const Status status = control(fd_.get(), PPS_GETPARAMS, &params);
  if (!status.ok()) return status;
  *out = {params.mode, toNs(params.assert_off_tu), toNs(params.clear_off_tu)};
  return {};
}

Status Pps::setParams(const PpsParams& params) const {
  pps_kparams in = {};
  in.api_version = PPS_API_VERS;
  in.mode = params.mode;
  in.assert_off_tu = fromNs(params.assertOffset);
  in.clear_off_tu = fromNs(params.clearOffset);
  return control(fd_.get(), PPS_SETPARAMS, &in);
}

Status Pps::fetch(int64_t timeoutMs, PpsInfo* out) const { return fetchFrom(fd_.get(), timeoutMs, out); }

Status Pps::start(std::shared_ptr<std::atomic<bool>> stopped, std::function<void(const PpsInfo&)> onInfo,
                  std::function<void(int)> onError) const {
  const int own = ::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0);
  if (own < 0) return Status::last("fcntl");
  auto fd = std::make_shared<Fd>(own);
  startThread("tb-pps", [fd, path = path_, stopped = std::move(stopped), onInfo = std::move(onInfo), onError = std::move(onError)] {
    PpsInfo last;
    while (!*stopped) {
      PpsInfo info;
      const Status status = fetchFrom(fd->get(), THREAD_TIMEOUT_MS, &info);
      if (*stopped) return;
      if (status.error == ETIMEDOUT && !isStill(path, fd->get())) return onError(ENODEV);
      if (status.error == ETIMEDOUT || status.error == EINTR) continue;
      if (!status.ok()) return onError(status.error);
      const bool fresh = info.assertSequence != last.assertSequence || info.clearSequence != last.clearSequence;
      last = info;
      if (fresh) onInfo(info);
    }
  }).detach();
  return {};
}

}  // namespace tb
