// Which sockets a set has: those asked for, and those beside them for each address of the host.
#include <algorithm>
#include <arpa/inet.h>
#include <linux/net_tstamp.h>

#include "udp.h"

namespace tb {

Status UdpSet::open(const std::vector<UdpOptions>& options) {
  for (const UdpOptions& o : options) {
    UdpSocket socket;
    const Status status = openUdp(o, &socket);
    if (!status.ok()) return status;
    options_.push_back(o);
    options_.back().port = socket.port;
    sockets_.push_back(std::move(socket));
  }
  const auto wanted = [](const UdpOptions& o) { return o.perAddress && o.address.empty(); };
  // Without news there would be sockets for what has long been another host's address.
  if (std::any_of(options_.begin(), options_.end(), wanted) && watch_.open().ok()) followAddresses();
  return openEvent(&wake_);
}

void UdpSet::close() {
  sockets_.clear();
  options_.clear();
  watch_.close();
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

  if (vacant == sockets_.end()) {
    sockets_.push_back(std::move(socket));
    return;
  }
  // Nobody may take its stamps for those of the socket that was here.
  socket.nextId = socket.idBase = vacant->nextId;
  *vacant = std::move(socket);
}

}  // namespace tb
