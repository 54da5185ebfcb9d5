// Netlink messages of the kernel's "ethtool" family about providers of hardware stamps. Total on any bytes
// (test/fuzz/native), although only the kernel writes them.
//
// Numbers: include/uapi/linux/ethtool_netlink_generated.h and net_tstamp.h of Linux 7.3; 6.14 brought them, and headers
// that this has to compile with are older.
#pragma once

#include <cstdint>
#include <cstring>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <vector>

namespace tb {

/// Whose stamps an interface may have: its own or its PHY's, of one clock or another, exact or not.
struct StampProvider {
  unsigned interface = 0;
  /// /dev/ptpN
  int phcIndex = -1;
  /// HWTSTAMP_PROVIDER_QUALIFIER_*: 0 precise, 1 approximate; −1 = not told
  int qualifier = -1;
  /// HWTSTAMP_SOURCE_*: 1 the interface itself, 2 a PHY; 0 = not told
  int source = 0;
  /// Of the PHYs of the interface; −1 = none, or not told
  int phyIndex = -1;
  /// As in TsInfo
  uint32_t flags = 0;
  uint32_t txTypes = 0;
  uint32_t rxFilters = 0;
  bool inForce = false;
};

namespace ethtool {

constexpr uint8_t VERSION = 1;
constexpr uint8_t TSINFO_GET = 25;
constexpr uint8_t TSINFO_GET_REPLY = 26;
constexpr uint8_t TSCONFIG_SET = 47;

constexpr uint16_t HEADER_DEV_INDEX = 1;
constexpr uint16_t HEADER_DEV_NAME = 2;
constexpr uint16_t HEADER_FLAGS = 3;
constexpr uint32_t FLAG_COMPACT_BITSETS = 1;

constexpr uint16_t BITSET_NOMASK = 1;
constexpr uint16_t BITSET_SIZE = 2;
constexpr uint16_t BITSET_VALUE = 4;

constexpr uint16_t TSINFO_HEADER = 1;
constexpr uint16_t TSINFO_TIMESTAMPING = 2;
constexpr uint16_t TSINFO_TX_TYPES = 3;
constexpr uint16_t TSINFO_RX_FILTERS = 4;
constexpr uint16_t TSINFO_HWTSTAMP_PROVIDER = 7;
constexpr uint16_t TSINFO_HWTSTAMP_SOURCE = 8;
constexpr uint16_t TSINFO_HWTSTAMP_PHYINDEX = 9;

constexpr uint16_t TSCONFIG_HEADER = 1;
constexpr uint16_t TSCONFIG_HWTSTAMP_PROVIDER = 2;
constexpr uint16_t TSCONFIG_TX_TYPES = 3;
constexpr uint16_t TSCONFIG_RX_FILTERS = 4;

constexpr uint16_t PROVIDER_INDEX = 1;
constexpr uint16_t PROVIDER_QUALIFIER = 2;

}  // namespace ethtool

/// Bytes of a message, or of a part of it.
struct Bytes {
  const uint8_t* at = nullptr;
  size_t size = 0;
};

/// Walks along the attributes of a message, or of a nest; ends at the first that does not fit.
class Attributes {
 public:
  explicit Attributes(Bytes bytes) : rest_(bytes) {}

  bool next() {
    nlattr header;
    if (rest_.size < sizeof header) return false;
    memcpy(&header, rest_.at, sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > rest_.size) return false;
    type = header.nla_type & NLA_TYPE_MASK;
    value = {rest_.at + sizeof header, header.nla_len - sizeof header};
    const size_t step = NLA_ALIGN(header.nla_len);
    const size_t whole = step < rest_.size ? step : rest_.size;
    rest_ = {rest_.at + whole, rest_.size - whole};
    return true;
  }

  uint16_t type = 0;
  Bytes value;

 private:
  Bytes rest_;
};

/// The attribute `type` among others; empty when it is not there.
inline Bytes attribute(Bytes among, uint16_t type) {
  for (Attributes all(among); all.next();)
    if (all.type == type) return all.value;
  return {};
}

/// A number of 32 bits, `otherwise` when it is not there.
inline uint32_t number(Bytes among, uint16_t type, uint32_t otherwise) {
  const Bytes found = attribute(among, type);
  if (found.size < sizeof otherwise) return otherwise;
  memcpy(&otherwise, found.at, sizeof otherwise);
  return otherwise;
}

/// The first 32 bits of a set in its compact form, which are all that there are of these sets.
inline uint32_t bitset(Bytes among, uint16_t type) {
  return number(attribute(among, type), ethtool::BITSET_VALUE, 0);
}

/// A TSINFO reply, without the two headers of the message. `qualifier` −1: the kernel does not tell of providers (before
/// 6.14), or there is no clock.
inline StampProvider readProvider(Bytes reply) {
  StampProvider out;
  out.interface = number(attribute(reply, ethtool::TSINFO_HEADER), ethtool::HEADER_DEV_INDEX, 0);
  const Bytes provider = attribute(reply, ethtool::TSINFO_HWTSTAMP_PROVIDER);
  out.phcIndex = static_cast<int>(number(provider, ethtool::PROVIDER_INDEX, UINT32_MAX));
  out.qualifier = static_cast<int>(number(provider, ethtool::PROVIDER_QUALIFIER, UINT32_MAX));
  out.source = static_cast<int>(number(reply, ethtool::TSINFO_HWTSTAMP_SOURCE, 0));
  out.phyIndex = static_cast<int>(number(reply, ethtool::TSINFO_HWTSTAMP_PHYINDEX, UINT32_MAX));
  out.flags = bitset(reply, ethtool::TSINFO_TIMESTAMPING);
  out.txTypes = bitset(reply, ethtool::TSINFO_TX_TYPES);
  out.rxFilters = bitset(reply, ethtool::TSINFO_RX_FILTERS);
  return out;
}

inline bool isProvider(const StampProvider& p) { return p.phcIndex >= 0 && p.qualifier >= 0; }
inline bool same(const StampProvider& a, const StampProvider& b) {
  return a.phcIndex == b.phcIndex && a.qualifier == b.qualifier;
}

/// One datagram of replies.
struct Replies {
  /// After their generic headers.
  std::vector<Bytes> messages;
  /// An error, an acknowledgement or the end of a list has come.
  bool done = false;
  /// errno; 0 = none
  int error = 0;
};

/// Only what belongs to request `sequence` and is of message type `type`.
inline Replies readReplies(Bytes datagram, uint32_t sequence, uint16_t type) {
  Replies out;
  while (!out.done) {
    nlmsghdr header;
    if (datagram.size < sizeof header) break;
    memcpy(&header, datagram.at, sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size) break;
    const Bytes body = {datagram.at + sizeof header, header.nlmsg_len - sizeof header};
    const size_t step = NLMSG_ALIGN(static_cast<size_t>(header.nlmsg_len));
    const size_t whole = step < datagram.size ? step : datagram.size;
    datagram = {datagram.at + whole, datagram.size - whole};
    if (header.nlmsg_seq != sequence) continue;
    if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
      // Both begin with a negative errno, or 0.
      int32_t code = 0;
      if (body.size >= sizeof code) memcpy(&code, body.at, sizeof code);
      out.error = code < 0 && code > -4096 ? -code : 0;
      out.done = true;
    } else if (header.nlmsg_type == type && body.size >= GENL_HDRLEN) {
      out.messages.push_back({body.at + GENL_HDRLEN, body.size - GENL_HDRLEN});
    }
  }
  return out;
}

}  // namespace tb
