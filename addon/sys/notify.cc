#include "notify.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace tb {

Status sdNotify(const std::string& state, bool* sent) {
  *sent = false;
  const char* path = ::getenv("NOTIFY_SOCKET");
  if (path == nullptr || path[0] == '\0') return {};
  const size_t length = strlen(path);
  sockaddr_un address = {};
  if (length >= sizeof address.sun_path) return {ENAMETOOLONG, "sendto"};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path, length);
  // '@' stands for the NUL of an abstract name, which is as long as its address says.
  if (path[0] == '@') address.sun_path[0] = '\0';
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Status::last("socket");
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  if (::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), size) < 0) {
    return Status::last("sendto");
  }
  *sent = true;
  return {};
}

}  // namespace tb
