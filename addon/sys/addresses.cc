#include "addresses.h"

#include <algorithm>
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace tb {
namespace {

/// Text of an address that one socket can be bound to; empty: it is none.
std::string numeric(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
    if (in.s_addr != 0) inet_ntop(AF_INET, &in, text, sizeof text);
  } else {
    const auto& in6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (!IN6_IS_ADDR_LINKLOCAL(&in6) && !IN6_IS_ADDR_UNSPECIFIED(&in6)) inet_ntop(AF_INET6, &in6, text, sizeof text);
  }
  return text;
}

}  // namespace

std::vector<std::string> ownAddresses(int family, const std::string& device) {
  std::vector<std::string> out;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return out;
  for (const ifaddrs* a = all; a != nullptr; a = a->ifa_next) {
    if (a->ifa_addr == nullptr || a->ifa_addr->sa_family != family) continue;
    if (!device.empty() && device != a->ifa_name) continue;
    std::string text = numeric(a->ifa_addr);
    if (!text.empty()) out.push_back(std::move(text));
  }
  ::freeifaddrs(all);
  // An address may stand at several interfaces.
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Status AddressWatch::open() {
  fd_ = Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd_.valid()) return Status::last("socket");
  sockaddr_nl name = {};
  name.nl_family = AF_NETLINK;
  name.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0) return {};
  const Status status = Status::last("bind");
  fd_.reset();
  return status;
}

bool AddressWatch::changed() {
  bool news = false;
  if (!fd_.valid()) return news;
  // What the messages say does not matter: the list is read afresh, also after an overflow (ENOBUFS).
  for (char message[64];;) {
    if (::recv(fd_.get(), message, sizeof message, MSG_DONTWAIT) >= 0 || errno == ENOBUFS) {
      news = true;
    } else if (errno != EINTR) {
      return news;
    }
  }
}

}  // namespace tb
