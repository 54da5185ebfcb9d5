#include "unixdgram.h"

#include <cstddef>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace tb {
namespace {

Status toAddress(const std::string& path, sockaddr_un* address, socklen_t* length) {
  // 107 bytes and the final NUL: longer names would be bound cut off.
  if (path.empty()) return {ENOENT, "bind"};
  if (path.size() >= sizeof address->sun_path) return {ENAMETOOLONG, "bind"};
  *address = {};
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path.data(), path.size());
  *length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return {};
}

void setSender(const sockaddr_un& from, socklen_t length, DatagramMessage* message) {
  const size_t head = offsetof(sockaddr_un, sun_path);
  if (length <= head || from.sun_path[0] == '\0') return;
  message->bound = true;
  message->from.assign(from.sun_path, strnlen(from.sun_path, length - head));
}

/// 0, or the errno that ends the loop; EAGAIN when there is nothing more.
int receiveOne(int fd, std::vector<uint8_t>& buffer, const std::function<void(DatagramMessage&&)>& onMessage,
               const std::function<void()>& onDropped) {
  sockaddr_un from = {};
  iovec iov = {buffer.data(), buffer.size()};
  msghdr header = {};
  header.msg_name = &from;
  header.msg_namelen = sizeof from;
  header.msg_iov = &iov;
  header.msg_iovlen = 1;
  const ssize_t got = ::recvmsg(fd, &header, MSG_DONTWAIT);
  if (got < 0) return errno == EINTR ? 0 : errno;
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    onDropped();
    return 0;
  }
  DatagramMessage message;
  message.bytes.assign(buffer.begin(), buffer.begin() + got);
  setSender(from, header.msg_namelen, &message);
  onMessage(std::move(message));
  return 0;
}

}  // namespace

Status UnixDatagram::open(const std::string& path, bool unlinkStale, int mode) {
  sockaddr_un address;
  socklen_t length = 0;
  const Status name = toAddress(path, &address, &length);
  if (!name.ok()) return name;
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return Status::last("socket");
  struct stat st;
  if (unlinkStale && ::lstat(path.c_str(), &st) == 0 && S_ISSOCK(st.st_mode)) ::unlink(path.c_str());
  // bind() creates the node with the socket's own mode less the umask: narrowed before, so that it is never wider than asked.
  if (mode >= 0 && ::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) return Status::last("fchmod");
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) return Status::last("bind");
  path_ = path;
  if (::lstat(path.c_str(), &st) == 0) {
    device_ = st.st_dev;
    inode_ = st.st_ino;
  }
  fd_ = std::move(fd);
  if (mode >= 0 && ::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0) {
    const Status failed = Status::last("chmod");
    close();
    return failed;
  }
  return {};
}

Status UnixDatagram::start(std::function<void(DatagramMessage&&)> onMessage, std::function<void(int)> onError,
                           std::function<void()> onDropped) {
  const Status event = openEvent(&stop_);
  if (!event.ok()) return event;
  thread_ = startThread("tb-datagram", [fd = fd_.get(), stop = stop_.get(), onMessage = std::move(onMessage),
                                        onError = std::move(onError), onDropped = std::move(onDropped)] {
    std::vector<uint8_t> buffer(MAX_BYTES);
    for (;;) {
      pollfd polled[2] = {{stop, POLLIN, 0}, {fd, POLLIN, 0}};
      if (::poll(polled, 2, -1) < 0 && errno != EINTR) return onError(errno);
      if (polled[0].revents != 0) return;
      const int error = polled[1].revents == 0 ? EAGAIN : receiveOne(fd, buffer, onMessage, onDropped);
      if (error != 0 && error != EAGAIN) return onError(error);
    }
  });
  return {};
}

Status UnixDatagram::send(const uint8_t* bytes, size_t length, const std::string& to) {
  sockaddr_un address;
  socklen_t addressLength = 0;
  const Status name = toAddress(to, &address, &addressLength);
  if (!name.ok()) return {name.error, "sendto"};
  const auto* peer = reinterpret_cast<const sockaddr*>(&address);
  if (::sendto(fd_.get(), bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, peer, addressLength) < 0) return Status::last("sendto");
  return {};
}

void UnixDatagram::close() {
  if (thread_.joinable()) {
    ringEvent(stop_.get());
    thread_.join();
  }
  stop_.reset();
  if (!fd_.valid()) return;
  fd_.reset();
  // A daemon that has since bound its own socket here must keep it.
  struct stat st;
  if (::lstat(path_.c_str(), &st) == 0 && st.st_dev == device_ && st.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace tb
