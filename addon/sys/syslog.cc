#include "syslog.h"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

namespace tb {
namespace {

/// `Nov 21 06:28:15`, local time and English names whatever the locale, as every log daemon reads it.
std::string stamp() {
  constexpr const char* MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t now = ::time(nullptr);
  tm t = {};
  ::localtime_r(&now, &t);
  char text[32];
  snprintf(text, sizeof text, "%s %2d %02d:%02d:%02d", MONTHS[t.tm_mon % 12], t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
  return text;
}

}  // namespace

Status Syslog::open(const std::string& path, const std::string& ident) {
  path_ = path;
  ident_ = ident;
  const Status status = connect();
  if (!status.ok()) path_.clear();
  return status;
}

Status Syslog::connect() {
  sockaddr_un address = {};
  if (path_.size() >= sizeof address.sun_path) return {ENAMETOOLONG, "connect"};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path_.data(), path_.size());
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return Status::last("socket");
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return Status::last("connect");
  fd_ = std::move(fd);
  return {};
}

Status Syslog::write(int priority, const std::string& text) {
  const std::string head = "<" + std::to_string(LOG_DAEMON | (priority & LOG_PRIMASK)) + ">" + stamp() + " ";
  const std::string line = head + ident_ + "[" + std::to_string(::getpid()) + "]: " + text;
  for (int attempt = 0;; attempt++) {
    if (fd_.valid() && ::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL) >= 0) return {};
    const Status failed = fd_.valid() ? Status::last("send") : Status{ENOTCONN, "send"};
    // Full: the line is lost rather than the daemon held up. Gone: a new one may listen at the same path.
    if (failed.error == EAGAIN || attempt > 0) return failed;
    fd_.reset();
    const Status again = connect();
    if (!again.ok()) return again;
  }
}

}  // namespace tb
