#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <ctime>
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <netdb.h>
#include <netinet/ip.h>
#include <utility>

#include "udp.h"

namespace tb {
namespace {

#ifndef IPV6_FREEBIND
constexpr int IPV6_FREEBIND = 78;
#endif

constexpr uint32_t TX_RECORD = SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_TX_SOFTWARE;
constexpr uint32_t TX_ANY = TX_RECORD | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK;
constexpr uint32_t RX_SOFTWARE = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;

Status setInt(int fd, int level, int name, int value) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0) return Status::last("setsockopt");
  return {};
}

Status setBuffer(int fd, int bytes, int* granted) {
  // FORCE passes net.core.rmem_max but needs CAP_NET_ADMIN.
  if (bytes > 0 && !setInt(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes).ok()) setInt(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  int doubled = 0;
  socklen_t length = sizeof doubled;
  if (::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &doubled, &length) != 0) return Status::last("getsockopt");
  *granted = doubled / 2;  // the kernel doubles what is asked for, for its own bookkeeping
  return {};
}

/// The bits among `wanted` that this kernel takes (each kernel knows more of them; an unknown one fails the whole call).
uint32_t probeTimestamping(int fd, uint32_t wanted) {
  if (setInt(fd, SOL_SOCKET, SO_TIMESTAMPING, static_cast<int>(wanted)).ok()) return wanted;
  uint32_t granted = 0;
  for (uint32_t bit = 1; bit != 0; bit <<= 1) {
    if ((wanted & bit) != 0 && setInt(fd, SOL_SOCKET, SO_TIMESTAMPING, static_cast<int>(bit)).ok()) granted |= bit;
  }
  return granted;
}

Status setTimestamping(UdpSocket& s, uint32_t wanted) {
  const int fd = s.fd.get();
  // Stamps are matched by the kernel's counter, or not at all; without the packet's copy, unless cards stamp, too.
  const bool cards = (wanted & SOF_TIMESTAMPING_TX_HARDWARE) != 0;
  const uint32_t matched = SOF_TIMESTAMPING_OPT_ID | (cards ? 0U : static_cast<uint32_t>(SOF_TIMESTAMPING_OPT_TSONLY));
  if ((wanted & TX_ANY) != 0) wanted |= matched | (cards ? HARDWARE_STAMPS : 0U);
  s.timestamping = wanted == 0 ? 0 : probeTimestamping(fd, wanted);
  s.txFlags = (s.timestamping & matched) == matched ? s.timestamping & TX_RECORD : 0;
  if (s.timestamping != 0) {
    // Off and on: probing may have left OPT_ID with a count, and setting it afresh starts the count at 0.
    setInt(fd, SOL_SOCKET, SO_TIMESTAMPING, 0);
    const Status set = setInt(fd, SOL_SOCKET, SO_TIMESTAMPING, static_cast<int>(s.timestamping & ~TX_ANY));
    if (!set.ok()) return set;
  }
  if ((s.timestamping & RX_SOFTWARE) == RX_SOFTWARE) return {};
  return setInt(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
}

/**
 * Chooses a socket of the group by a hash of the packet's source ADDRESS: a client changes its port with every request
 * (RFC 9109) and must find its interleaved state again. Classic BPF, so that no privilege is needed; a result beyond the
 * group (while it is being opened) makes the kernel choose by address and port.
 */
Status steer(const UdpOptions& o, int fd) {
  const bool v6 = o.family == AF_INET6;
  const auto net = [](uint32_t offset) { return static_cast<uint32_t>(SKF_NET_OFF) + offset; };
  std::vector<sock_filter> code;
  const auto put = [&code](uint16_t op, uint32_t k) { code.push_back({op, 0, 0, k}); };
  put(BPF_LD | BPF_IMM, o.steerSeed);
  // Fold every word of the address: h = (h ^ word) · odd; h ^= h >> 15.
  const uint32_t first = v6 ? 8 : 12;
  for (uint32_t at = first; at < first + (v6 ? 16U : 4U); at += 4) {
    put(BPF_ST, 0);
    put(BPF_LD | BPF_W | BPF_ABS, net(at));
    put(BPF_LDX | BPF_MEM, 0);
    put(BPF_ALU | BPF_XOR | BPF_X, 0);
    put(BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1);
    put(BPF_MISC | BPF_TAX, 0);
    put(BPF_ALU | BPF_RSH | BPF_K, 15);
    put(BPF_ALU | BPF_XOR | BPF_X, 0);
  }
  // Neighbours on a LAN differ in a few low bits: two more rounds, or a socket may be left without any of them.
  for (const auto& [factor, shift] : {std::pair{0x85ebca6bU, 13U}, std::pair{0xc2b2ae35U, 16U}}) {
    put(BPF_ALU | BPF_MUL | BPF_K, factor);
    put(BPF_MISC | BPF_TAX, 0);
    put(BPF_ALU | BPF_RSH | BPF_K, shift);
    put(BPF_ALU | BPF_XOR | BPF_X, 0);
  }
  put(BPF_ALU | BPF_MOD | BPF_K, o.steerTo);
  put(BPF_RET | BPF_A, 0);
  const sock_fprog program = {static_cast<unsigned short>(code.size()), code.data()};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) != 0) return Status::last("setsockopt");
  return {};
}

Status configure(const UdpOptions& o, int fd, bool bound) {
  const bool v6 = o.family == AF_INET6;
  const int ip = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  Status s;
  // Cannot be changed any more once a socket is bound.
  if (v6 && !bound) s = setInt(fd, ip, IPV6_V6ONLY, 1);
  if (s.ok() && o.pktinfo) s = setInt(fd, ip, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
  // PROBE: never fragmented, and learned path MTUs (which anybody can forge) are not believed. Without fragments the
  // kernel need not draw an IP id for every packet: 3 % of a reply.
  if (s.ok() && !v6) s = setInt(fd, ip, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  if (s.ok()) s = setInt(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  if (s.ok() && o.reuseAddress) s = setInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (s.ok() && o.reusePort) s = setInt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (s.ok() && o.freeBind) s = setInt(fd, ip, v6 ? IPV6_FREEBIND : IP_FREEBIND, 1);
  if (s.ok() && o.dscp != 0) s = setInt(fd, ip, v6 ? IPV6_TCLASS : IP_TOS, o.dscp << 2);
  if (s.ok() && !o.device.empty() &&
      ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o.device.data(), static_cast<socklen_t>(o.device.size())) != 0) {
    s = Status::last("setsockopt");
  }
  return s;
}

struct Resolved {
  sockaddr_storage address = {};
  socklen_t length = 0;
};

Status resolve(const UdpOptions& o, Resolved* out) {
  addrinfo hints = {};
  hints.ai_family = o.family;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(o.port);
  const int failed = ::getaddrinfo(o.address.empty() ? nullptr : o.address.c_str(), service.c_str(), &hints, &found);
  if (failed != 0) return {EINVAL, "getaddrinfo"};
  memcpy(&out->address, found->ai_addr, found->ai_addrlen);
  out->length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return {};
}

Status portOf(int fd, uint16_t* port) {
  sockaddr_in6 name = {};
  socklen_t length = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return Status::last("getsockname");
  *port = ntohs(name.sin6_port);  // same place in sockaddr_in
  return {};
}

bool sameName(const sockaddr_storage& a, const sockaddr_storage& b) {
  if (a.ss_family != b.ss_family) return false;
  if (a.ss_family == AF_INET) {
    const auto& x = reinterpret_cast<const sockaddr_in&>(a);
    const auto& y = reinterpret_cast<const sockaddr_in&>(b);
    return x.sin_port == y.sin_port && x.sin_addr.s_addr == y.sin_addr.s_addr;
  }
  const auto& x = reinterpret_cast<const sockaddr_in6&>(a);
  const auto& y = reinterpret_cast<const sockaddr_in6&>(b);
  return x.sin6_port == y.sin6_port && memcmp(&x.sin6_addr, &y.sin6_addr, sizeof x.sin6_addr) == 0;
}

/// A duplicate of the inherited socket that is bound where this one is to be; invalid: there is none.
Fd adopt(const UdpOptions& o, const Resolved& wanted) {
  for (const int fd : o.inherited) {
    int type = 0;
    socklen_t size = sizeof type;
    sockaddr_storage name = {};
    socklen_t length = sizeof name;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_DGRAM) continue;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0 || !sameName(name, wanted.address)) continue;
    Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (copy.valid() && ::fcntl(copy.get(), F_SETFL, O_NONBLOCK) == 0) return copy;
  }
  return Fd();
}

}  // namespace

Status openUdp(const UdpOptions& options, UdpSocket* out) {
  UdpSocket s;
  s.family = options.family;
  s.bound = !options.address.empty();
  Resolved name;
  Status status = resolve(options, &name);
  if (!status.ok()) return status;
  s.fd = adopt(options, name);
  const bool adopted = s.fd.valid();
  if (!adopted) s.fd = Fd(::socket(options.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
  if (!s.fd.valid()) return Status::last("socket");
  status = configure(options, s.fd.get(), adopted);
  if (status.ok()) status = setBuffer(s.fd.get(), options.receiveBufferBytes, &s.receiveBufferBytes);
  // Before bind: a packet that came in between would lack its stamp.
  if (status.ok()) status = setTimestamping(s, options.timestamping);
  if (status.ok() && !adopted && ::bind(s.fd.get(), reinterpret_cast<sockaddr*>(&name.address), name.length) != 0) {
    status = Status::last("bind");
  }
  if (status.ok()) status = portOf(s.fd.get(), &s.port);
  if (status.ok() && options.reusePort && options.steerTo > 1) status = steer(options, s.fd.get());
  if (status.ok()) *out = std::move(s);
  return status;
}

}  // namespace tb
