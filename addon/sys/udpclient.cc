#include "udpclient.h"

#include <arpa/inet.h>
#include <cstring>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace tb {
namespace {

constexpr int STAMPS = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                       SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID;
constexpr size_t CONTROL_BYTES = 512;

/// Numeric addresses only: a name server must never be waited for here.
Status parse(const std::string& address, uint16_t port, sockaddr_storage* out, socklen_t* length) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(out);
  if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    *length = sizeof *v4;
    return {};
  }
  // Knows the scope of an address on one link.
  addrinfo hints = {};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return {EINVAL, "getaddrinfo"};
  memcpy(out, found->ai_addr, found->ai_addrlen);
  *length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return {};
}

Status setInt(int fd, int level, int name, int value) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0) return Status::last("setsockopt");
  return {};
}

Status bindLocal(int fd, const ClientRequest& to, int family) {
  if (to.localAddress.empty() && to.localPort == 0) return {};
  sockaddr_storage local = {};
  socklen_t length = 0;
  const std::string any = family == AF_INET6 ? "::" : "0.0.0.0";
  Status s = parse(to.localAddress.empty() ? any : to.localAddress, to.localPort, &local, &length);
  // One request of many may use a fixed port at a time; the connected peer tells replies apart.
  if (s.ok()) s = setInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (s.ok() && ::bind(fd, reinterpret_cast<sockaddr*>(&local), length) != 0) s = Status::last("bind");
  return s;
}

void askForStamps(int fd, bool hardware, int family) {
  if (hardware) {
    const bool v6 = family == AF_INET6;
    setInt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
    constexpr int ALL = (STAMPS & ~SOF_TIMESTAMPING_OPT_TSONLY) | static_cast<int>(HARDWARE_STAMPS);
    if (setInt(fd, SOL_SOCKET, SO_TIMESTAMPING, ALL).ok()) return;
  }
  setInt(fd, SOL_SOCKET, SO_TIMESTAMPING, STAMPS);
}

Status configure(int fd, const ClientRequest& to, int family) {
  Status s;
  if (!to.device.empty() &&
      ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, to.device.data(), static_cast<socklen_t>(to.device.size())) != 0) {
    return Status::last("setsockopt");
  }
  if (to.dscp != 0) {
    s = family == AF_INET6 ? setInt(fd, IPPROTO_IPV6, IPV6_TCLASS, to.dscp << 2) : setInt(fd, IPPROTO_IP, IP_TOS, to.dscp << 2);
  }
  // A kernel or a container without stamps: the thread's own readings serve.
  if (s.ok()) askForStamps(fd, to.hardware, family);
  return s.ok() ? bindLocal(fd, to, family) : s;
}

std::string localOf(int fd) {
  sockaddr_storage name = {};
  socklen_t length = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return "";
  char text[INET6_ADDRSTRLEN] = "";
  const void* address = name.ss_family == AF_INET6
                            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in6*>(&name)->sin6_addr)
                            : static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(&name)->sin_addr);
  return ::inet_ntop(name.ss_family, address, text, sizeof text) == nullptr ? "" : text;
}

/// The stamps among the control messages.
void readStamps(msghdr* header, ClientEvent* e) {
  uint32_t interface = 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(header); c != nullptr; c = CMSG_NXTHDR(header, c)) {
    if (e->hardware.readOrigin(*header, c)) continue;
    if (const uint32_t told = interfaceOf(*header, c); told != 0) interface = told;
    scm_timestamping all;
    if (!takeControl(*header, c, SOL_SOCKET, SO_TIMESTAMPING, &all)) continue;
    e->hardware.time = all.ts[2];
    if (all.ts[0].tv_sec == 0 && all.ts[0].tv_nsec == 0) continue;
    e->stamp = all.ts[0];
    e->kernel = true;
  }
  // Drivers without NAPI do not say which interface stamped it; there is only the one by which it came.
  if (e->hardware.interface == 0) e->hardware.interface = interface;
}

/// Bytes taken, or −1. Replies from the socket itself, transmit stamps with MSG_ERRQUEUE.
ssize_t take(int fd, int flags, std::vector<uint8_t>* buffer, ClientEvent* e) {
  alignas(cmsghdr) char control[CONTROL_BYTES];
  iovec iov = {buffer->data(), buffer->size()};
  msghdr header = {nullptr, 0, &iov, 1, control, sizeof control, 0};
  const ssize_t got = ::recvmsg(fd, &header, flags | MSG_DONTWAIT);
  if (got < 0) return -1;
  readStamps(&header, e);
  if (!e->kernel) ::clock_gettime(CLOCK_REALTIME, &e->stamp);
  return got;
}

/// A socket that talks to itself on loopback, stamped as requests are. Invalid where there is no loopback.
Fd openEcho() {
  Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in self = {};
  self.sin_family = AF_INET;
  self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* address = reinterpret_cast<sockaddr*>(&self);
  socklen_t length = sizeof self;
  if (!fd.valid() || ::bind(fd.get(), address, length) != 0 || ::getsockname(fd.get(), address, &length) != 0 ||
      ::connect(fd.get(), address, length) != 0) {
    return Fd();
  }
  setInt(fd.get(), SOL_SOCKET, SO_TIMESTAMPING, STAMPS);
  return fd;
}

/// One octet there and back: the kernel's code and data for sending, stamping and queueing are in the caches then. Cold
/// ones delay a request between its stamp and the wire, and not its reply: a microsecond one way.
void warmUp(int echo) {
  char octet = 0;
  msghdr none = {};
  if (::send(echo, &octet, 1, MSG_NOSIGNAL) < 0) return;
  ::recv(echo, &octet, 1, MSG_DONTWAIT);
  ::recvmsg(echo, &none, MSG_ERRQUEUE | MSG_DONTWAIT);
}

}  // namespace

Status UdpClients::start(std::function<void(ClientEvent&&)> onEvent) {
  epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return Status::last("epoll_create1");
  const Status event = openEvent(&stop_);
  if (!event.ok()) return event;
  epoll_event wake = {};
  wake.events = EPOLLIN;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stop_.get(), &wake) != 0) return Status::last("epoll_ctl");
  onEvent_ = std::move(onEvent);
  echo_ = openEcho();
  thread_ = startThread("tb-ntp-client", [this] { run(); });
  return {};
}

Status UdpClients::request(const ClientRequest& to, const uint8_t* bytes, size_t length, uint32_t* id, timespec* stamp,
                           std::string* local) {
  sockaddr_storage peer = {};
  socklen_t peerLength = 0;
  Status s = parse(to.address, to.port, &peer, &peerLength);
  if (!s.ok()) return s;
  Fd fd(::socket(peer.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return Status::last("socket");
  s = configure(fd.get(), to, peer.ss_family);
  if (!s.ok()) return s;
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&peer), peerLength) != 0) return Status::last("connect");
  *local = localOf(fd.get());
  const std::lock_guard<std::mutex> lock(mutex_);
  if (open_.size() >= MAX_OPEN) return {EMFILE, "request"};
  *id = next_++;
  if (next_ == 0) next_ = 1;
  const int raw = fd.get();
  open_[*id] = std::move(fd);
  const auto giveUp = [&](const char* call) {
    const Status failed = Status::last(call);
    open_.erase(*id);
    return failed;
  };
  if (to.warm && echo_.valid()) warmUp(echo_.get());
  ::clock_gettime(CLOCK_REALTIME, stamp);
  if (::send(raw, bytes, length, MSG_NOSIGNAL) < 0) return giveUp("send");
  // Only now does the thread wait for it: woken by the transmit stamp it would hold the packet up between its stamp and
  // the wire, 6 us on an idle machine. What has come meanwhile is told at once.
  epoll_event watch = {};
  // Edge-triggered: an error queue that cannot be emptied (an ICMP error that nobody asked for) must not spin.
  watch.events = EPOLLIN | EPOLLERR | EPOLLET;
  watch.data.u64 = *id;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, raw, &watch) != 0) return giveUp("epoll_ctl");
  return {};
}

void UdpClients::forget(uint32_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  open_.erase(id);
}

void UdpClients::close() {
  if (thread_.joinable()) {
    ringEvent(stop_.get());
    thread_.join();
  }
  open_.clear();
  epoll_.reset();
  stop_.reset();
  echo_.reset();
}

void UdpClients::run() {
  epoll_event events[64];
  for (;;) {
    const int n = ::epoll_wait(epoll_.get(), events, 64, -1);
    if (n < 0 && errno != EINTR) return;
    for (int i = 0; i < n; i++) {
      if (events[i].data.u64 == 0) return;
      serve(static_cast<uint32_t>(events[i].data.u64));
    }
  }
}

void UdpClients::serve(uint32_t id) {
  std::vector<ClientEvent> found;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto at = open_.find(id);
    if (at == open_.end()) return;
    const int fd = at->second.get();
    std::vector<uint8_t> buffer(MAX_BYTES);
    // The stamp of the request first: whoever hears the reply already knows when the request left.
    for (ClientEvent e; take(fd, MSG_ERRQUEUE, &buffer, &e) >= 0; e = {}) {
      if (!e.kernel && !e.hardware.isSet()) continue;
      e.id = id;
      found.push_back(std::move(e));
    }
    // Refusals (ICMP) come as errors of a read: each is taken off by it.
    for (int tries = 0; tries < 16; tries++) {
      ClientEvent e;
      const ssize_t got = take(fd, 0, &buffer, &e);
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (got < 0) continue;
      e.kind = ClientEvent::REPLY;
      e.id = id;
      e.bytes.assign(buffer.begin(), buffer.begin() + got);
      found.push_back(std::move(e));
    }
  }
  for (ClientEvent& e : found) onEvent_(std::move(e));
}

}  // namespace tb
