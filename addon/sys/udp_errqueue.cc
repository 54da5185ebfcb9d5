// Transmit stamps: the error queues of the set's sockets.
#include <algorithm>
#include <linux/net_tstamp.h>

#include "ancillary.h"
#include "udp.h"

namespace tb {

using namespace slab;

size_t UdpSet::drainTxStamps(uint32_t* stamps) {
  for (size_t i = 0; i < sockets_.size() && stored_ < TXSTAMP_MAX; i++) {
    if (sockets_[i].outstanding > 0) drainSocket(i, stamps);
  }
  return std::exchange(stored_, 0);
}

/// Empties one error queue, but for what the store cannot hold; returns the number of messages taken.
size_t UdpSet::drainSocket(size_t socket, uint32_t* stamps) {
  // Nobody fetched the stamps while receive() waited: the older ones make room, or the wait would spin on a full queue.
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
  const TxReport r = readTxReport(header);
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
