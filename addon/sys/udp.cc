#include "udp.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <linux/net_tstamp.h>
#include <poll.h>
#include <utility>

#include "ancillary.h"
#include "timex.h"

namespace tb {
namespace {

using namespace slab;

constexpr int64_t NS = 1000000000;
constexpr int64_t NTP_UNIX_OFFSET = 2208988800;  // RFC 5905, figure 4
constexpr size_t TRANSMIT = 40;                   // offset of the transmit timestamp in an NTP packet
constexpr size_t NTP_BYTES = 48;
constexpr uint32_t NEWS_ROUNDS = 1024;
constexpr uint32_t MAX_SKIP = 15;
constexpr size_t COLD = 2;   // first replies of a batch: they find cold caches and take longer than the others
constexpr size_t GROUP = 2;  // replies that tell their own time, by one call: what holds up one makes the next one's wrong
constexpr int64_t STAMP_LIFETIME_MS = 1000;  // a transmit stamp that has not come by then is lost
constexpr uint32_t TX_ANY = SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED |
                            SOF_TIMESTAMPING_TX_ACK;

timespec later(const timespec& t, int64_t ns) {
  const int64_t nsec = t.tv_nsec + ns;
  return {t.tv_sec + static_cast<time_t>(nsec / NS), static_cast<long>(nsec % NS)};
}

uint32_t* metaOf(uint8_t* slab, size_t slot) { return reinterpret_cast<uint32_t*>(slab + slot * SLOT_BYTES); }
const uint32_t* metaOf(const uint8_t* slab, size_t slot) {
  return reinterpret_cast<const uint32_t*>(slab + slot * SLOT_BYTES);
}

int64_t nsBetween(const timespec& from, const timespec& to) {
  return static_cast<int64_t>(to.tv_sec - from.tv_sec) * NS + (to.tv_nsec - from.tv_nsec);
}

void putTime(uint32_t* meta, size_t word, const timespec& t) {
  const auto sec = static_cast<uint64_t>(static_cast<int64_t>(t.tv_sec));
  meta[word] = static_cast<uint32_t>(sec);
  meta[word + 1] = static_cast<uint32_t>(sec >> 32);
  meta[word + 2] = static_cast<uint32_t>(t.tv_nsec);
}

void putSource(const sockaddr_in6& name, uint32_t* meta) {
  meta[SRC_PORT] = ntohs(name.sin6_port);
  if (name.sin6_family == AF_INET) {
    memcpy(&meta[SRC_ADDR], &reinterpret_cast<const sockaddr_in&>(name).sin_addr, 4);
    return;
  }
  memcpy(&meta[SRC_ADDR], &name.sin6_addr, 16);
  meta[SRC_SCOPE] = name.sin6_scope_id;
}

socklen_t destination(const uint32_t* meta, int family, sockaddr_in6* out) {
  *out = {};
  out->sin6_family = static_cast<sa_family_t>(family);
  out->sin6_port = htons(static_cast<uint16_t>(meta[SRC_PORT]));
  if (family == AF_INET) {
    memcpy(&reinterpret_cast<sockaddr_in*>(out)->sin_addr, &meta[SRC_ADDR], 4);
    return sizeof(sockaddr_in);
  }
  memcpy(&out->sin6_addr, &meta[SRC_ADDR], 16);
  out->sin6_scope_id = meta[SRC_SCOPE];
  return sizeof(sockaddr_in6);
}

/// The control messages of one outgoing packet.
struct Outgoing {
  alignas(cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(uint32_t))] = {};
  size_t length = 0;

  template <typename T>
  void add(int level, int type, const T& value) {
    auto* c = reinterpret_cast<cmsghdr*>(bytes + length);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(c), &value, sizeof value);
    length += CMSG_SPACE(sizeof value);
  }

  /// Leave from the address the request was sent to; the route decides the interface. All zero: the kernel chooses.
  void source(const uint32_t* meta, int family) {
    const uint32_t* a = &meta[DST_ADDR];
    if (family == AF_INET && a[0] != 0) {
      in_pktinfo info = {};
      memcpy(&info.ipi_spec_dst, a, 4);
      add(IPPROTO_IP, IP_PKTINFO, info);
    } else if (family == AF_INET6 && (a[0] | a[1] | a[2] | a[3]) != 0) {
      in6_pktinfo info = {};
      memcpy(&info.ipi6_addr, a, 16);
      if (!IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }
};

/// Cooked T3 as NTP64 at offset 40, lowest bit cleared; rounded up so that reading it back gives the same nanosecond.
void stampPacket(const uint32_t* meta, const timespec& raw, uint8_t* packet) {
  int64_t nsec = raw.tv_nsec + static_cast<int64_t>(static_cast<int32_t>(meta[TX_CORR_NSEC]));
  int64_t sec = static_cast<int64_t>(raw.tv_sec) + static_cast<int32_t>(meta[TX_CORR_SEC]) + nsec / NS;
  nsec %= NS;
  if (nsec < 0) {
    nsec += NS;
    sec--;
  }
  const auto fraction = static_cast<uint32_t>(((static_cast<uint64_t>(nsec) << 32) + NS - 1) / NS);
  const uint32_t wire[2] = {htonl(static_cast<uint32_t>(sec + NTP_UNIX_OFFSET)), htonl(fraction & ~1U)};
  memcpy(packet + TRANSMIT, wire, sizeof wire);
}

/// µs from `then` to `now`, as far as an i32 holds it.
uint32_t ageUs(const timespec& now, const timespec& then) {
  const int64_t sec = static_cast<int64_t>(now.tv_sec) - static_cast<int64_t>(then.tv_sec);
  const int64_t us = std::clamp<int64_t>(sec, -2000, 2000) * 1000000 + (now.tv_nsec - then.tv_nsec) / 1000;
  return static_cast<uint32_t>(static_cast<int32_t>(us));
}

/// Whether they may leave by one call.
bool alike(const uint32_t* a, const uint32_t* b) { return a[SOCKET] == b[SOCKET] && a[TX_FLAGS] == b[TX_FLAGS]; }

void setBroadcast(int fd, int on) { ::setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on); }

int64_t nowMs() {
  int64_t ns = 0;
  clockRead(CLOCK_MONOTONIC, &ns);
  return ns / 1000000;
}

}  // namespace

int UdpSet::receive(uint8_t* slab, uint32_t* stamps, int timeoutMs) {
  const int wait = timeoutMs < 0 ? MAX_WAIT_MS : std::min(timeoutMs, MAX_WAIT_MS);
  // A saturated set never comes to wait.
  if (++rounds_ % NEWS_ROUNDS == 0) lookForNews();
  // After a lone packet there is hardly another one yet: waiting at once spares a call for each socket.
  size_t got = lastGot_ > 1 ? receiveAll(slab) : 0;
  if (got > 0) return static_cast<int>(got);
  const int64_t deadline = nowMs() + wait;
  for (int64_t left = wait;; left = std::max<int64_t>(0, deadline - nowMs())) {
    if (!pollOnce(stamps, static_cast<int>(left))) break;
    got = receiveAll(slab);
    if (got > 0) return static_cast<int>(got);
    if (left == 0) break;
  }
  // What is sent from here on without having been received is stamped on the scale of now.
  noteGuard();
  return 0;
}

void UdpSet::noteGuard() {
  if (guard_ != nullptr) guardSeen_ = __atomic_load_n(guard_, __ATOMIC_SEQ_CST);
}

size_t UdpSet::receiveAll(uint8_t* slab) {
  size_t got = 0;
  // The first place rotates: one flooded socket must not starve the others.
  const size_t n = sockets_.size();
  for (size_t i = 0; i < n && got < SLOTS; i++) {
    UdpSocket& s = sockets_[(first_ + i) % n];
    if (!s.fd.valid() || (s.skip > 0 && s.skip-- > 0)) continue;
    const size_t some = receiveFrom((first_ + i) % n, slab, got);
    s.lastSkip = some > 0 ? 0 : std::min(MAX_SKIP, s.lastSkip * 2 + 1);
    s.skip = s.lastSkip;
    got += some;
  }
  if (n > 1) first_ = (first_ + 1) % n;
  lastGot_ = got;
  return got;
}

size_t UdpSet::receiveFrom(size_t socket, uint8_t* slab, size_t first) {
  for (size_t i = first; i < SLOTS; i++) {
    vectors_[i] = {slab + i * SLOT_BYTES + DATA, MAX_PACKET};
    messages_[i].msg_hdr = {&names_[i], sizeof names_[i], &vectors_[i], 1, control_[i].data(), CONTROL_BYTES, 0};
  }
  const int got = ::recvmmsg(sockets_[socket].fd.get(), &messages_[first], static_cast<unsigned>(SLOTS - first),
                             MSG_DONTWAIT, nullptr);
  // EAGAIN: empty. Anything else is an error of an earlier packet, which reading has cleared.
  if (got <= 0) return 0;
  // Before the clock is read: a step from here on keeps the batch from being sent.
  if (first == 0) noteGuard();
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  for (size_t i = first; i < first + static_cast<size_t>(got); i++) fillSlot(socket, i, slab, now);
  return static_cast<size_t>(got);
}

void UdpSet::fillSlot(size_t socket, size_t slot, uint8_t* slab, const timespec& now) {
  uint32_t* meta = metaOf(slab, slot);
  msghdr& header = messages_[slot].msg_hdr;
  memset(meta, 0, DATA);
  meta[SOCKET] = static_cast<uint32_t>(socket);
  meta[RX_LENGTH] = messages_[slot].msg_len;
  meta[TRUNCATED] = (header.msg_flags & MSG_TRUNC) != 0 ? 1 : 0;
  meta[FAMILY] = sockets_[socket].family == AF_INET ? 4 : 6;
  putSource(names_[slot], meta);
  memcpy(&meta[DST_ADDR], sockets_[socket].local, sizeof sockets_[socket].local);
  Ancillary a = readAncillary(&header);
  if (a.addressed) memcpy(&meta[DST_ADDR], a.local, sizeof a.local);
  meta[IFINDEX] = a.interface;
  if (a.kind == KIND_DAEMON) a.stamp = now;
  meta[RX_KIND] = a.kind;
  putTime(meta, RX_SEC_LO, a.stamp);
  meta[RX_AGE] = ageUs(now, a.stamp);
  if (isSet(a.hardware.time)) {
    putTime(meta, HW_SEC_LO, a.hardware.time);
    // Drivers without NAPI do not say which interface stamped it; there is only the one by which it came.
    meta[HW_IFINDEX] = a.hardware.interface != 0 ? a.hardware.interface : meta[IFINDEX];
    meta[HW_LENGTH] = a.hardware.length;
  }
  if (a.overflowed) {
    overflows_ += a.overflow - sockets_[socket].lastOverflow;  // modulo 2^32, as the kernel counts
    sockets_[socket].lastOverflow = a.overflow;
  }
}

/// False: woken, timed out, or signalled without anything to read. Error queues are emptied here, or the wait would end at once for ever.
/// poll, not epoll: that is called back for every packet and every stamp, also while nobody waits (5 % of a request).
bool UdpSet::pollOnce(uint32_t* stamps, int timeoutMs) {
  constexpr size_t FIRST = 2;
  pollfd polled[FIRST + MAX_SOCKETS];
  const size_t n = sockets_.size();
  polled[0] = {wake_.get(), POLLIN, 0};
  polled[1] = {watch_.fd(), POLLIN, 0};
  for (size_t i = 0; i < n; i++) polled[FIRST + i] = {sockets_[i].fd.get(), POLLIN, 0};
  if (::poll(polled, FIRST + n, timeoutMs) <= 0) return false;
  bool useful = false;
  for (size_t i = 0; i < n; i++) {
    if (heard(i, polled[FIRST + i].revents, stamps)) useful = true;
  }
  if (polled[1].revents != 0) {
    lookForNews();
    useful = true;
  }
  if (polled[0].revents == 0) return useful;
  clearEvent(wake_.get());
  return false;
}

/// False: there was nothing in it, or an error, which is gone now.
bool UdpSet::heard(size_t socket, short events, uint32_t* stamps) {
  UdpSocket& s = sockets_[socket];
  const bool readable = (events & POLLIN) != 0;
  s.skip = readable ? 0 : std::max(s.skip, 1U);
  if ((events & POLLERR) == 0) return readable;
  const bool stamped = drainSocket(socket, stamps) > 0;
  int pending;
  socklen_t length = sizeof pending;
  ::getsockopt(s.fd.get(), SOL_SOCKET, SO_ERROR, &pending, &length);
  return readable || stamped;
}

/// A T3 that was read after a step sees the guard that was changed before it.
bool UdpSet::clockMoved() const {
  return guard_ != nullptr && __atomic_load_n(guard_, __ATOMIC_SEQ_CST) != guardSeen_;
}

/**
 * A control message makes a send some 4 % dearer. So the socket itself is told what most packets of a batch want, and
 * only the others carry one. Lone packets are not worth the call.
 */
void UdpSet::followMajority(const uint8_t* slab, size_t count) {
  constexpr int WORTH = 4;
  std::array<int8_t, MAX_SOCKETS> lead = {};
  for (size_t i = 0; i < count; i++) {
    const uint32_t* meta = metaOf(slab, i);
    if (meta[TX_LENGTH] == 0 || meta[SOCKET] >= sockets_.size()) continue;
    lead[meta[SOCKET]] += (meta[TX_FLAGS] & FLAG_WANT_TX) != 0 ? 1 : -1;
  }
  for (size_t i = 0; i < sockets_.size(); i++) {
    UdpSocket& s = sockets_[i];
    if (s.stampsAll ? lead[i] > -WORTH : lead[i] < WORTH || s.txFlags == 0) continue;
    uint32_t flags = s.timestamping & ~TX_ANY;
    if (!s.stampsAll) flags |= s.txFlags;
    if (::setsockopt(s.fd.get(), SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags) == 0) s.stampsAll = !s.stampsAll;
  }
}

int UdpSet::send(uint8_t* slab, uint32_t* stamps, size_t count) {
  followMajority(slab, count);
  std::array<uint8_t, SLOTS> run;
  size_t length = 0;
  size_t dated = 0;
  for (size_t i = 0; i < count; i++) {
    const uint32_t* meta = metaOf(slab, i);
    if (meta[TX_LENGTH] == 0) continue;
    const bool own = meta[TX_FLAGS] == FLAG_STAMP;
    const bool joins = maySendTogether(meta) && (!own || dated++ >= COLD);
    const bool fits = length == 0 || (alike(meta, metaOf(slab, run[0])) && (!own || length < GROUP));
    if (!joins || !fits) sendRun(slab, stamps, run.data(), std::exchange(length, 0));
    if (joins) {
      run[length++] = static_cast<uint8_t>(i);
    } else {
      sendSlot(slab, i, stamps);
    }
  }
  sendRun(slab, stamps, run.data(), length);
  int sent = 0;
  for (size_t i = 0; i < count; i++) {
    const uint32_t* meta = metaOf(slab, i);
    if (meta[TX_LENGTH] != 0 && meta[TX_ERRNO] == 0) sent++;
  }
  return sent;
}

/// Whether it is a plain reply that needs no control message: one that tells its own time, or one that tells the
/// departure of the one before it and wants a stamp, as its socket's others do.
bool UdpSet::maySendTogether(const uint32_t* meta) const {
  const bool late = meta[TX_FLAGS] == FLAG_WANT_TX;
  if ((!late && meta[TX_FLAGS] != FLAG_STAMP) || meta[TX_KEY] != 0 || meta[SOCKET] >= sockets_.size()) return false;
  const UdpSocket& s = sockets_[meta[SOCKET]];
  const bool plain = s.bound && s.stampsAll == late && (!late || s.lostCountAt == 0);
  const size_t least = late ? 0 : NTP_BYTES;
  return plain && meta[FAMILY] == (s.family == AF_INET ? 4U : 6U) && meta[TX_LENGTH] >= least &&
         meta[TX_LENGTH] <= MAX_PACKET;
}

/**
 * Several by one call, which spares a tenth of a request. What they tell as their own time is foretold: the clock just
 * before the call, and for each of those before it what one takes. The others' T3 is spread over the time it really took.
 */
void UdpSet::sendRun(uint8_t* slab, uint32_t* stamps, const uint8_t* slots, size_t count) {
  size_t sent = 0;
  if (count > 1) {
    UdpSocket& socket = sockets_[metaOf(slab, slots[0])[SOCKET]];
    const bool late = metaOf(slab, slots[0])[TX_FLAGS] == FLAG_WANT_TX;
    for (size_t k = 0; k < count; k++) {
      const uint32_t* meta = metaOf(slab, slots[k]);
      vectors_[k] = {slab + slots[k] * SLOT_BYTES + DATA, meta[TX_LENGTH]};
      messages_[k].msg_hdr = {&names_[k], destination(meta, socket.family, &names_[k]), &vectors_[k], 1, nullptr, 0, 0};
    }
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (size_t k = 0; !late && k < count; k++) {
      uint32_t* meta = metaOf(slab, slots[k]);
      const timespec foretold = later(now, static_cast<int64_t>(k) * paceNs_);
      putTime(meta, T3_SEC_LO, foretold);
      stampPacket(meta, foretold, slab + slots[k] * SLOT_BYTES + DATA);
    }
    const int got = clockMoved() ? 0
                                 : ::sendmmsg(socket.fd.get(), messages_.data(), static_cast<unsigned>(count),
                                              MSG_DONTWAIT | MSG_NOSIGNAL);
    sent = static_cast<size_t>(std::max(got, 0));
    timespec then;
    clock_gettime(CLOCK_REALTIME, &then);
    const int64_t took = std::clamp<int64_t>(nsBetween(now, then), 0, NS);  // the clock may have been stepped
    for (size_t k = 0; k < sent; k++) {
      uint32_t* meta = metaOf(slab, slots[k]);
      meta[TX_ERRNO] = 0;
      meta[TX_ID] = NO_STAMP;
      if (!late) continue;
      putTime(meta, T3_SEC_LO, later(now, took * static_cast<int64_t>(k) / static_cast<int64_t>(sent)));
      meta[TX_ID] = socket.nextId++;
      socket.outstanding++;
    }
    if (!late && sent == count) followPace(took / static_cast<int64_t>(count));
    // Whether the one that failed was counted nobody knows.
    if (late && sent < count && !clockMoved()) socket.lostCountAt = nowMs();
  }
  // Alone each says what is wrong with it.
  for (size_t k = sent; k < count; k++) sendSlot(slab, slots[k], stamps);
}

/// Towards the median of what one takes: how long the thread was held up in some does not matter, only how many those are.
void UdpSet::followPace(int64_t ns) {
  constexpr int64_t STEPS = 64;
  paceNs_ += (ns > paceNs_ ? 1 : -1) * (1 + paceNs_ / STEPS);
  paceNs_ = std::max<int64_t>(0, paceNs_);
}

void UdpSet::sendSlot(uint8_t* slab, size_t slot, uint32_t* stamps) {
  uint32_t* meta = metaOf(slab, slot);
  uint8_t* packet = slab + slot * SLOT_BYTES + DATA;
  const bool stamp = (meta[TX_FLAGS] & FLAG_STAMP) != 0;
  const size_t length = meta[TX_LENGTH];
  meta[TX_ERRNO] = EINVAL;
  meta[TX_ID] = NO_STAMP;
  const size_t prefix = meta[TX_FLAGS] >> PREFIX_SHIFT;
  if (prefix > PREFIX_MAX) return;
  if (meta[SOCKET] >= sockets_.size() || length + prefix > MAX_PACKET || (stamp && length < NTP_BYTES)) return;
  UdpSocket& socket = sockets_[meta[SOCKET]];
  if (meta[FAMILY] != (socket.family == AF_INET ? 4U : 6U)) return;
  const bool wantTx = (meta[TX_FLAGS] & FLAG_WANT_TX) != 0 && socket.txFlags != 0 && countKnown(meta[SOCKET], stamps);

  sockaddr_in6 to;
  const socklen_t toLength = destination(meta, socket.family, &to);
  Outgoing control;
  if (!socket.bound) control.source(meta, socket.family);
  if (wantTx != socket.stampsAll) control.add(SOL_SOCKET, SO_TIMESTAMPING, wantTx ? socket.txFlags : 0U);
  iovec vectors[2] = {{packet + MAX_PACKET - prefix, prefix}, {packet, length}};
  const bool framed = prefix > 0;
  const msghdr header = {&to, toLength, framed ? vectors : vectors + 1, framed ? 2U : 1U,
                         control.length > 0 ? control.bytes : nullptr, control.length, 0};

  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (stamp) stampPacket(meta, now, packet);
  if (meta[TX_KEY] != 0) {
    const size_t mac = meta[TX_MAC];
    if (mac + NTP_BYTES > length || !keys_.seal(meta[TX_KEY] - 1, packet, length - mac, mac)) return;
  }
  if (clockMoved()) {
    meta[TX_ERRNO] = ECANCELED;
    return;
  }
  // Only for the packets that are meant for everybody: nobody else's address may turn out to be a broadcast address.
  const bool broadcast = (meta[TX_FLAGS] & FLAG_BROADCAST) != 0;
  if (broadcast) setBroadcast(socket.fd.get(), 1);
  // sendto() spares the kernel the copies of header, vector and control where there is nothing to control.
  constexpr int FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;
  const ssize_t sent = control.length > 0 || framed
                           ? ::sendmsg(socket.fd.get(), &header, FLAGS)
                           : ::sendto(socket.fd.get(), packet, length, FLAGS, reinterpret_cast<sockaddr*>(&to), toLength);
  meta[TX_ERRNO] = sent < 0 ? static_cast<uint32_t>(errno) : 0;
  if (broadcast) setBroadcast(socket.fd.get(), 0);
  putTime(meta, T3_SEC_LO, now);
  if ((meta[TX_FLAGS] & FLAG_TIME) != 0) {
    timespec then;
    clock_gettime(CLOCK_REALTIME, &then);
    meta[RX_AGE] = static_cast<uint32_t>(std::clamp<int64_t>(nsBetween(now, then), 0, NS));
  }
  if (!wantTx) return;
  if (sent < 0) {
    socket.lostCountAt = nowMs();
  } else {
    meta[TX_ID] = socket.nextId++;
    socket.outstanding++;
  }
}

/**
 * Whether a failed send advanced the kernel's counter depends on how far it came and on the kernel's version. Setting
 * OPT_ID afresh puts the counter to 0; our own ids go on, from a new base. Not while older stamps are on their way, for
 * theirs would be taken for new ones: until then (at most a second, for some get lost) no stamps are asked for.
 */
bool UdpSet::countKnown(size_t index, uint32_t* stamps) {
  UdpSocket& socket = sockets_[index];
  if (socket.lostCountAt == 0) return true;
  if (socket.outstanding > 0) drainSocket(index, stamps);
  if (socket.outstanding > 0 && nowMs() - socket.lostCountAt < STAMP_LIFETIME_MS) return false;
  uint32_t flags = socket.timestamping & ~(TX_ANY | SOF_TIMESTAMPING_OPT_ID);
  ::setsockopt(socket.fd.get(), SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
  flags |= SOF_TIMESTAMPING_OPT_ID;
  ::setsockopt(socket.fd.get(), SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
  socket.stampsAll = false;
  socket.idBase = socket.nextId;
  socket.outstanding = 0;
  socket.lostCountAt = 0;
  return true;
}

}  // namespace tb
