// Transmit stamps: the error queues of the set's sockets.
#include <algorithm>
#include <cstring>
#include <ctime>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include "udp.h"

namespace tb {

using namespace slab;

namespace {

bool isErrorReport(const cmsghdr* c) {
  return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
         (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

struct Report {
  bool stamped = false;
  bool identified = false;
  uint32_t id = 0;
  uint32_t kind = KIND_KERNEL;
  timespec stamp = {};
  /// By which it left; 0 = not told.
  uint32_t interface = 0;
};

void readStamp(const cmsghdr* c, Report* r) {
  scm_timestamping all;
  memcpy(&all, CMSG_DATA(c), sizeof all);
  const bool hardware = all.ts[2].tv_sec != 0 || all.ts[2].tv_nsec != 0;
  r->kind = hardware ? KIND_HARDWARE : KIND_KERNEL;
  r->stamp = hardware ? all.ts[2] : all.ts[0];
  r->stamped = r->stamp.tv_sec != 0 || r->stamp.tv_nsec != 0;
}

Report parse(msghdr header) {
  Report r;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING && c->cmsg_len >= CMSG_LEN(sizeof(scm_timestamping))) {
      readStamp(c, &r);
    } else if (const uint32_t interface = interfaceOf(c); interface != 0) {
      r.interface = interface;
    } else if (isErrorReport(c) && c->cmsg_len >= CMSG_LEN(sizeof(sock_extended_err))) {
      sock_extended_err e;
      memcpy(&e, CMSG_DATA(c), sizeof e);
      // ICMP errors come by the same queue; they are nothing to a server.
      r.identified = e.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && e.ee_info == SCM_TSTAMP_SND;
      r.id = e.ee_data;
    }
  }
  return r;
}

}  // namespace

size_t UdpSet::drainTxStamps(uint32_t* stamps) {
  for (size_t i = 0; i < sockets_.size() && stored_ < TXSTAMP_MAX; i++) {
    if (sockets_[i].outstanding > 0) drainSocket(i, stamps);
  }
  return std::exchange(stored_, 0);
}

/// Empties one error queue, but for what the store cannot hold; returns the number of messages taken.
size_t UdpSet::drainSocket(size_t socket, uint32_t* stamps) {
  // Nobody fetched the stamps while receive() waited: the older ones make room, or poll() would spin on a full queue.
  if (stored_ == TXSTAMP_MAX) stored_ = 0;
  size_t taken = 0;
  while (stored_ < TXSTAMP_MAX) {
    const size_t batch = std::min(SLOTS, TXSTAMP_MAX - stored_);
    for (size_t i = 0; i < batch; i++) {
      messages_[i].msg_hdr = {nullptr, 0, nullptr, 0, control_[i].data(), CONTROL_BYTES, 0};
    }
    const int got = ::recvmmsg(sockets_[socket].fd.get(), messages_.data(), static_cast<unsigned>(batch),
                               MSG_ERRQUEUE | MSG_DONTWAIT, nullptr);
    if (got <= 0) break;
    for (int i = 0; i < got; i++) storeStamp(socket, messages_[static_cast<size_t>(i)].msg_hdr, stamps);
    taken += static_cast<size_t>(got);
    if (static_cast<size_t>(got) < batch) break;
  }
  return taken;
}

void UdpSet::storeStamp(size_t socket, const msghdr& header, uint32_t* stamps) {
  const Report r = parse(header);
  if (!r.stamped || !r.identified) return;
  UdpSocket& s = sockets_[socket];
  // Where cards may stamp, theirs is the last one.
  const bool last = r.kind == KIND_HARDWARE || (s.txFlags & SOF_TIMESTAMPING_TX_HARDWARE) == 0;
  if (s.outstanding > 0 && last) s.outstanding--;
  // An id that the kernel cannot have given out since its last reset is a late one from before it.
  if (r.id >= s.nextId - s.idBase) return;
  uint32_t* out = stamps + stored_++ * TXSTAMP_WORDS;
  const auto sec = static_cast<uint64_t>(static_cast<int64_t>(r.stamp.tv_sec));
  out[STAMP_SOCKET] = static_cast<uint32_t>(socket);
  out[STAMP_ID] = s.idBase + r.id;
  out[STAMP_KIND] = r.kind;
  out[STAMP_SEC_LO] = static_cast<uint32_t>(sec);
  out[STAMP_SEC_HI] = static_cast<uint32_t>(sec >> 32);
  out[STAMP_NSEC] = static_cast<uint32_t>(r.stamp.tv_nsec);
  out[STAMP_IFINDEX] = r.interface;
}

}  // namespace tb
