// What the kernel says beside a packet: control messages of received packets and of the error queue. Total on any bytes
// (test/fuzz/native), although only the kernel writes them.
#pragma once

#include <ctime>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "hwstamp.h"
#include "slab.h"

namespace tb {

inline bool isSet(const timespec& t) { return t.tv_sec != 0 || t.tv_nsec != 0; }

/// Of one received packet.
struct Ancillary {
  timespec stamp = {};
  HardwareStamp hardware;
  uint32_t kind = slab::KIND_DAEMON;
  bool overflowed = false;
  uint32_t overflow = 0;
  /// Where it was sent to, when that was told: our own address there.
  bool addressed = false;
  uint32_t local[4] = {};
  uint32_t interface = 0;

  void read(const msghdr& header, const cmsghdr* c) {
    scm_timestamping all;
    timespec lone;
    in_pktinfo info;
    in6_pktinfo info6;
    if (takeControl(header, c, SOL_SOCKET, SO_TIMESTAMPING, &all)) {
      hardware.time = all.ts[2];
      if (isSet(all.ts[0])) setKernel(all.ts[0]);
    } else if (takeControl(header, c, SOL_SOCKET, SO_TIMESTAMPNS, &lone)) {
      if (kind == slab::KIND_DAEMON) setKernel(lone);
    } else if (takeControl(header, c, IPPROTO_IP, IP_PKTINFO, &info)) {
      // spec_dst, not addr: for a broadcast or multicast request it is our own address on that network.
      setLocal(&info.ipi_spec_dst, sizeof info.ipi_spec_dst, static_cast<uint32_t>(info.ipi_ifindex));
    } else if (takeControl(header, c, IPPROTO_IPV6, IPV6_PKTINFO, &info6)) {
      setLocal(&info6.ipi6_addr, sizeof info6.ipi6_addr, info6.ipi6_ifindex);
    } else if (takeControl(header, c, SOL_SOCKET, SO_RXQ_OVFL, &overflow)) {
      overflowed = true;
    } else {
      hardware.readOrigin(header, c);
    }
  }

 private:
  void setKernel(const timespec& t) {
    stamp = t;
    kind = slab::KIND_KERNEL;
  }
  void setLocal(const void* address, size_t bytes, uint32_t index) {
    addressed = true;
    memcpy(local, address, bytes);
    interface = index;
  }
};

inline Ancillary readAncillary(msghdr* header) {
  Ancillary a;
  for (cmsghdr* c = CMSG_FIRSTHDR(header); c != nullptr; c = CMSG_NXTHDR(header, c)) a.read(*header, c);
  return a;
}

/// One message of the error queue: of a packet that was sent, or of an error (which is nothing to a server).
struct TxReport {
  bool stamped = false;
  bool identified = false;
  uint32_t id = 0;
  uint32_t kind = slab::KIND_KERNEL;
  timespec stamp = {};
  /// By which it left; 0 = not told.
  uint32_t interface = 0;

  void read(const msghdr& header, const cmsghdr* c) {
    scm_timestamping all;
    sock_extended_err e;
    if (takeControl(header, c, SOL_SOCKET, SO_TIMESTAMPING, &all)) {
      kind = isSet(all.ts[2]) ? slab::KIND_HARDWARE : slab::KIND_KERNEL;
      stamp = isSet(all.ts[2]) ? all.ts[2] : all.ts[0];
      stamped = isSet(stamp);
    } else if (takeControl(header, c, IPPROTO_IP, IP_RECVERR, &e) || takeControl(header, c, IPPROTO_IPV6, IPV6_RECVERR, &e)) {
      identified = e.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && e.ee_info == SCM_TSTAMP_SND;
      id = e.ee_data;
    } else if (const uint32_t told = interfaceOf(header, c); told != 0) {
      interface = told;
    }
  }
};

inline TxReport readTxReport(msghdr header) {
  TxReport r;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) r.read(header, c);
  return r;
}

}  // namespace tb
