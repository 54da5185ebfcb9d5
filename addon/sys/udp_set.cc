// Which sockets a set has: those asked for, and those beside them for each address of the host.
#include <algorithm>
#include <arpa/inet.h>
#include <linux/net_tstamp.h>
#include <sys/epoll.h>

#include "udp.h"

namespace tb {

Status UdpSet::open(const std::vector<UdpOptions>& options) {
  epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return Status::last("epoll_create1");
  for (const UdpOptions& o : options) {
    UdpSocket socket;
    const Status status = openUdp(o, &socket);
    if (!status.ok()) return status;
    options_.push_back(o);
    options_.back().port = socket.port;
    sockets_.push_back(std::move(socket));
    const Status listening = listen(sockets_.back().fd.get(), sockets_.size() - 1);
    if (!listening.ok()) return listening;
  }
  const auto wanted = [](const UdpOptions& o) { return o.perAddress && o.address.empty(); };
  // Without news there would be sockets for what has long been another host's address.
  if (std::any_of(options_.begin(), options_.end(), wanted) && watch_.open().ok() && listen(watch_.fd(), NEWS).ok()) {
    followAddresses();
  }
  const Status status = openEvent(&wake_);
  return status.ok() ? listen(wake_.get(), WAKE) : status;
}

Status UdpSet::listen(int fd, size_t name) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u32 = static_cast<uint32_t>(name);
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? Status() : Status::last("epoll_ctl");
}

void UdpSet::close() {
  sockets_.clear();
  options_.clear();
  watch_.close();
  epoll_.reset();
  wake_.reset();
}

void UdpSet::lookForNews() {
  if (watch_.changed()) followAddresses();
}

void UdpSet::followAddresses() {
  for (size_t i = 0; i < options_.size(); i++) {
    if (options_[i].perAddress && options_[i].address.empty()) followAddresses(i);
  }
}

void UdpSet::followAddresses(size_t any) {
  std::vector<std::string> missing = ownAddresses(options_[any].family, options_[any].device);
  for (UdpSocket& s : sockets_) {
    if (s.beside != any || !s.fd.valid()) continue;
    const auto found = std::find(missing.begin(), missing.end(), s.address);
    if (found == missing.end()) {
      s.fd.reset();
    } else {
      missing.erase(found);
    }
  }
  for (const std::string& address : missing) openBeside(any, address);
}

/// Without success the socket for any address goes on to serve it: an address that is not ready yet makes news again.
void UdpSet::openBeside(size_t any, const std::string& address) {
  const auto vacant = std::find_if(sockets_.begin(), sockets_.end(), [](const UdpSocket& s) { return !s.fd.valid(); });
  if (vacant == sockets_.end() && sockets_.size() == MAX_SOCKETS) return;
  UdpOptions o = options_[any];
  o.address = address;
  o.inherited.clear();
  // Where cards stamp, the queue of stamps tells by which interface a packet left.
  o.pktinfo = (o.timestamping & SOF_TIMESTAMPING_TX_HARDWARE) != 0;
  const auto allowSharing = [](const UdpSocket& s, int on) {
    ::setsockopt(s.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  };
  UdpSocket socket;
  // Only while it is bound, or any other process could be bound beside it, too.
  const bool shared = o.reuseAddress;
  o.reuseAddress = true;
  if (!shared) allowSharing(sockets_[any], 1);
  const bool opened = openUdp(o, &socket).ok();
  if (!shared) allowSharing(sockets_[any], 0);
  if (!opened) return;
  if (!shared) allowSharing(socket, 0);
  socket.beside = any;
  socket.address = address;
  inet_pton(o.family, address.c_str(), socket.local);

  const auto place = static_cast<size_t>(vacant - sockets_.begin());
  if (!listen(socket.fd.get(), place).ok()) return;
  if (vacant == sockets_.end()) {
    sockets_.push_back(std::move(socket));
    return;
  }
  // Nobody may take its stamps for those of the socket that was here.
  socket.nextId = socket.idBase = vacant->nextId;
  *vacant = std::move(socket);
}

}  // namespace tb
