// Network interfaces: what they can stamp, what they are told to stamp, and their links.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "status.h"

namespace tb {

struct TsInfo {
  /// SOF_TIMESTAMPING_* the driver can do
  uint32_t flags = 0;
  /// /dev/ptpN; −1 = none
  int phcIndex = -1;
  /// Bit masks over HWTSTAMP_TX_* and HWTSTAMP_FILTER_*
  uint32_t txTypes = 0;
  uint32_t rxFilters = 0;
};

/// HWTSTAMP_TX_* and HWTSTAMP_FILTER_*: one setting for the whole card.
struct StampConfig {
  int txType = 0;
  int rxFilter = 0;
};

struct Link {
  unsigned index = 0;
  bool up = false;
  /// With a carrier.
  bool running = false;
  /// Mbit/s; 0 = not known
  uint32_t speed = 0;
};

struct Interface {
  unsigned index = 0;
  std::string name;
};

/// ETHTOOL_GET_TS_INFO; needs no privilege.
Status tsInfo(const std::string& interface, TsInfo* out);
/// SIOCGHWTSTAMP; EOPNOTSUPP: the driver cannot tell, or cannot stamp.
Status stampConfig(const std::string& interface, StampConfig* out);
/// SIOCSHWTSTAMP: needs CAP_NET_ADMIN; `config` becomes what was granted, which may be more than was asked for.
Status setStampConfig(const std::string& interface, StampConfig* config);
Status link(const std::string& interface, Link* out);
/// All interfaces of the network namespace.
Status interfaces(std::vector<Interface>* out);

}  // namespace tb
