// Stamps of network cards, as SO_TIMESTAMPING tells them: on the card's own clock.
#pragma once

#include <cstdint>
#include <ctime>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "control.h"

namespace tb {

/// What a socket asks for beside the kernel's own stamps. Both kinds of transmit stamps come then, one after the other
/// (OPT_TX_SWHW), with the interface by which the packet left: for that (OPT_CMSG) its copy has to come, too.
constexpr uint32_t HARDWARE_STAMPS = SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_TX_HARDWARE |
                                     SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_OPT_CMSG |
                                     SOF_TIMESTAMPING_OPT_PKTINFO | SOF_TIMESTAMPING_OPT_TX_SWHW;

struct HardwareStamp {
  timespec time = {};
  /// The interface that has the clock (below a bond, a bridge or a VLAN); 0 = the driver does not say.
  uint32_t interface = 0;
  /// Bytes of the frame, without its check sequence; 0 = not known.
  uint32_t length = 0;

  bool isSet() const { return time.tv_sec != 0 || time.tv_nsec != 0; }

  /// Takes SCM_TIMESTAMPING_PKTINFO; false: it is another message.
  bool readOrigin(const msghdr& header, const cmsghdr* c) {
    scm_ts_pktinfo info;
    if (!takeControl(header, c, SOL_SOCKET, SCM_TIMESTAMPING_PKTINFO, &info)) return false;
    interface = info.if_index;
    length = info.pkt_length;
    return true;
  }
};

/// Interface of IP_PKTINFO or IPV6_PKTINFO; 0: it is another message.
inline uint32_t interfaceOf(const msghdr& header, const cmsghdr* c) {
  in_pktinfo info;
  in6_pktinfo info6;
  if (takeControl(header, c, IPPROTO_IP, IP_PKTINFO, &info)) return static_cast<uint32_t>(info.ipi_ifindex);
  if (takeControl(header, c, IPPROTO_IPV6, IPV6_PKTINFO, &info6)) return info6.ipi6_ifindex;
  return 0;
}

}  // namespace tb
