// A set of UDP sockets served by one thread through a packet slab. Nothing is allocated a packet.
#pragma once

#include <array>
#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "addresses.h"
#include "hwstamp.h"
#include "mac.h"
#include "slab.h"
#include "status.h"

namespace tb {

struct UdpOptions {
  /// AF_INET or AF_INET6
  int family = AF_INET;
  /// Numeric; empty = any.
  std::string address;
  uint16_t port = 0;
  std::string device;
  bool reusePort = false;
  bool reuseAddress = false;
  bool freeBind = false;
  int dscp = 0;
  /// 0 = the system's default
  int receiveBufferBytes = 0;
  /// SOF_TIMESTAMPING_* asked for; 0 = SO_TIMESTAMPNS only
  uint32_t timestamping = 0;
  /// With reusePort: 0 = the kernel spreads packets by address and port; N = a source address always meets the same
  /// one of N sockets (the first socket of the group carries the program).
  uint32_t steerTo = 0;
  /// Mixed into the address, so that nobody can aim at one socket.
  uint32_t steerSeed = 0;
  /// Descriptors that the process was started with (socket activation). One that is a UDP socket bound to exactly this
  /// family, address and port is used, by a duplicate, in place of a new socket.
  std::vector<int> inherited;
  /// With an empty address: sockets for each of the host's addresses beside it.
  bool perAddress = false;
  /// Have the packet's destination told.
  bool pktinfo = true;
};

struct UdpSocket {
  static constexpr size_t NOWHERE = SIZE_MAX;

  /// Invalid: the address has gone, the place is kept.
  Fd fd;
  int family = AF_INET;
  uint16_t port = 0;
  /// Bound to one address: replies leave from it anyway, and need no control message to say so (5 % of a reply).
  bool bound = false;
  /// Of a socket beside one for any address: index of that one, and the address, as text and in network order.
  size_t beside = NOWHERE;
  std::string address;
  uint32_t local[4] = {};
  /// Rounds for which it is not looked at, and how many that were last time: a quiet socket costs a system call a round.
  uint32_t skip = 0;
  uint32_t lastSkip = 0;
  int receiveBufferBytes = 0;
  /// Flags granted, those of transmission among them …
  uint32_t timestamping = 0;
  /// … and those that are asked for a packet at a time (a stamp costs 1 µs) …
  uint32_t txFlags = 0;
  /// … unless they are on for the whole socket: then the packets that need no stamp are the ones to say so.
  bool stampsAll = false;
  /// Next transmit-stamp id. The kernel counts from 0 since its last reset; `idBase` is our id of its 0.
  uint32_t nextId = 0;
  uint32_t idBase = 0;
  /// A send failed at this CLOCK_MONOTONIC ms: the kernel's count is unknown until it is reset. 0 = it is known.
  int64_t lostCountAt = 0;
  /// Stamps asked for and not seen yet; 0 spares the drain its system call.
  uint32_t outstanding = 0;
  /// SO_RXQ_OVFL as last reported.
  uint32_t lastOverflow = 0;
};

/// Sockets of a set.
constexpr size_t MAX_SOCKETS = 64;

/// Opens, configures and binds one socket (udp_open.cc).
Status openUdp(const UdpOptions& options, UdpSocket* out);

/**
 * One socket for any address may have others beside it, each bound to one of the host's addresses: what those receive
 * needs no word on where it was sent to, and what they send none on where from (6 % of a request). They come and go with
 * the addresses; what none of them gets comes by the first one. They stand behind the sockets that were asked for.
 */
class UdpSet {
 public:
  /// A wait is cut here, so that a thread inside receive() comes back often enough to be terminated.
  static constexpr int MAX_WAIT_MS = 1000;

  Status open(const std::vector<UdpOptions>& options);
  void close();
  bool opened() const { return wake_.valid(); }

  /// Packets put into slots 0…n−1; 0 = time-out, woken, or MAX_WAIT_MS over. Transmit stamps that come in meanwhile go into `stamps`.
  int receive(uint8_t* slab, uint32_t* stamps, int timeoutMs);
  /// Sends the slots below `count` whose TX_LENGTH is not 0, plain ones that follow each other by one call: as many as
  /// there are where they carry no time of their own, else two. Returns how many left.
  int send(uint8_t* slab, uint32_t* stamps, size_t count);
  /// Stamps now in the store, those that receive() found among them; the store counts as empty afterwards.
  size_t drainTxStamps(uint32_t* stamps);

  /// While `*guard` differs from what it was when receive() returned last nothing is sent (ECANCELED): the clock was
  /// stepped in between. Shared with the thread that steps; outlives the set.
  void watch(const int32_t* guard) { guard_ = guard; }
  MacRing& keys() { return keys_; }

  uint64_t overflows() const { return overflows_; }
  int wakeFd() const { return wake_.get(); }
  /// Those that were asked for first.
  const std::vector<UdpSocket>& sockets() const { return sockets_; }
  size_t asked() const { return options_.size(); }

 private:
  static constexpr size_t CONTROL_BYTES = 256;

  void lookForNews();
  void followAddresses();
  void followAddresses(size_t any);
  void openBeside(size_t any, const std::string& address);

  size_t receiveAll(uint8_t* slab);
  size_t receiveFrom(size_t socket, uint8_t* slab, size_t first);
  void fillSlot(size_t socket, size_t slot, uint8_t* slab, const timespec& now);
  bool maySendTogether(const uint32_t* meta) const;
  void sendRun(uint8_t* slab, uint32_t* stamps, const uint8_t* slots, size_t count);
  void followPace(int64_t ns);
  void sendSlot(uint8_t* slab, size_t slot, uint32_t* stamps);
  void followMajority(const uint8_t* slab, size_t count);
  bool pollOnce(uint32_t* stamps, int timeoutMs);
  bool heard(size_t socket, short events, uint32_t* stamps);
  size_t drainSocket(size_t socket, uint32_t* stamps);
  void storeStamp(size_t socket, const msghdr& header, uint32_t* stamps);
  bool countKnown(size_t socket, uint32_t* stamps);

  /// As asked for, with the ports they got.
  std::vector<UdpOptions> options_;
  std::vector<UdpSocket> sockets_;
  AddressWatch watch_;
  uint32_t rounds_ = 0;
  Fd wake_;
  bool clockMoved() const;
  void noteGuard();

  MacRing keys_;
  const int32_t* guard_ = nullptr;
  int32_t guardSeen_ = 0;
  size_t first_ = 0;
  size_t lastGot_ = 0;
  size_t stored_ = 0;
  /// What a reply takes in a group.
  int64_t paceNs_ = 2000;
  uint64_t overflows_ = 0;
  std::array<mmsghdr, slab::SLOTS> messages_ = {};
  std::array<iovec, slab::SLOTS> vectors_ = {};
  std::array<sockaddr_in6, slab::SLOTS> names_ = {};
  alignas(cmsghdr) std::array<std::array<uint8_t, CONTROL_BYTES>, slab::SLOTS> control_ = {};
};

}  // namespace tb
