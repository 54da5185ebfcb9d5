#include "nic.h"

#include <cstring>
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace tb {

static_assert(sizeof(ethtool_ts_info) == 44, "ethtool_ts_info");
static_assert(sizeof(hwtstamp_config) == 12, "hwtstamp_config");

namespace {

/// One ioctl about an interface; `data` is what ifr_data points at.
Status control(const std::string& interface, unsigned long what, void* data, ifreq* request) {
  *request = {};
  if (interface.empty() || interface.size() >= sizeof request->ifr_name) return {ENODEV, "ioctl"};
  memcpy(request->ifr_name, interface.data(), interface.size());
  if (data != nullptr) request->ifr_data = static_cast<char*>(data);
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Status::last("socket");
  if (::ioctl(fd.get(), what, request) != 0) return Status::last("ioctl");
  return {};
}

Status control(const std::string& interface, unsigned long what, void* data) {
  ifreq request;
  return control(interface, what, data, &request);
}

}  // namespace

Status tsInfo(const std::string& interface, TsInfo* out) {
  ethtool_ts_info info = {};
  info.cmd = ETHTOOL_GET_TS_INFO;
  const Status status = control(interface, SIOCETHTOOL, &info);
  if (status.ok()) *out = {info.so_timestamping, info.phc_index, info.tx_types, info.rx_filters};
  return status;
}

Status stampConfig(const std::string& interface, StampConfig* out) {
  hwtstamp_config config = {};
  const Status status = control(interface, SIOCGHWTSTAMP, &config);
  if (status.ok()) *out = {config.tx_type, config.rx_filter};
  return status;
}

Status setStampConfig(const std::string& interface, StampConfig* inOut) {
  hwtstamp_config config = {};
  config.tx_type = inOut->txType;
  config.rx_filter = inOut->rxFilter;
  const Status status = control(interface, SIOCSHWTSTAMP, &config);
  if (status.ok()) *inOut = {config.tx_type, config.rx_filter};
  return status;
}

Status link(const std::string& interface, Link* out) {
  ifreq request;
  Status status = control(interface, SIOCGIFINDEX, nullptr, &request);
  if (!status.ok()) return status;
  Link found;
  found.index = static_cast<unsigned>(request.ifr_ifindex);
  status = control(interface, SIOCGIFFLAGS, nullptr, &request);
  if (!status.ok()) return status;
  const auto flags = static_cast<unsigned>(request.ifr_flags);
  found.up = (flags & IFF_UP) != 0;
  found.running = (flags & IFF_RUNNING) != 0;
  // The oldest of the calls for it, which every kernel translates for its drivers.
  ethtool_cmd command = {};
  command.cmd = ETHTOOL_GSET;
  const bool told = control(interface, SIOCETHTOOL, &command).ok();
  const uint32_t speed = told ? ethtool_cmd_speed(&command) : 0;
  found.speed = speed == static_cast<uint32_t>(SPEED_UNKNOWN) ? 0 : speed;
  *out = found;
  return {};
}

Status interfaces(std::vector<Interface>* out) {
  struct if_nameindex* all = ::if_nameindex();
  if (all == nullptr) return Status::last("if_nameindex");
  for (const struct if_nameindex* i = all; i->if_index != 0; i++) out->push_back({i->if_index, i->if_name});
  ::if_freenameindex(all);
  return {};
}

}  // namespace tb
