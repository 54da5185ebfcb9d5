// Time-stamping facts of a network interface.
#pragma once

#include <cstdint>
#include <string>

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

/// ETHTOOL_GET_TS_INFO; needs no privilege.
Status tsInfo(const std::string& interface, TsInfo* out);

}  // namespace tb
