#include "nic.h"

#include <cstring>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace tb {

static_assert(sizeof(ethtool_ts_info) == 44, "ethtool_ts_info");

Status tsInfo(const std::string& interface, TsInfo* out) {
  ifreq request = {};
  if (interface.empty() || interface.size() >= sizeof request.ifr_name) return {ENODEV, "ioctl"};
  memcpy(request.ifr_name, interface.data(), interface.size());
  ethtool_ts_info info = {};
  info.cmd = ETHTOOL_GET_TS_INFO;
  request.ifr_data = reinterpret_cast<char*>(&info);
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Status::last("socket");
  if (::ioctl(fd.get(), SIOCETHTOOL, &request) != 0) return Status::last("ioctl");
  *out = {info.so_timestamping, info.phc_index, info.tx_types, info.rx_filters};
  return {};
}

}  // namespace tb
