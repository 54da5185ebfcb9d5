#include "ethtool.h"

#include <algorithm>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace tb {
namespace {

/// Of one datagram; the kernel fills no more than this in one go of a list.
constexpr size_t MOST_BYTES = 32768;
/// Of a whole list: interfaces and their PHYs are some hundreds at the most.
constexpr int MOST_DATAGRAMS = 1024;
constexpr size_t MOST_PROVIDERS = 64;
/// s: replies come at once, unless a driver hangs.
constexpr timeval PATIENCE = {2, 0};

/// A request under construction.
class Message {
 public:
  Message(uint16_t type, uint16_t flags, uint8_t command, uint8_t version) {
    const nlmsghdr header = {0, type, static_cast<uint16_t>(NLM_F_REQUEST | flags), SEQUENCE, 0};
    const genlmsghdr generic = {command, version, 0};
    append(&header, sizeof header);
    append(&generic, sizeof generic);
  }

  void put(uint16_t type, const void* value, size_t bytes) {
    const nlattr header = {static_cast<uint16_t>(sizeof header + bytes), type};
    append(&header, sizeof header);
    append(value, bytes);
  }
  void put(uint16_t type, uint32_t value) { put(type, &value, sizeof value); }

  template <typename F>
  void nest(uint16_t type, F&& fill) {
    const size_t at = bytes_.size();
    put(type | NLA_F_NESTED, nullptr, 0);
    fill();
    const auto length = static_cast<uint16_t>(bytes_.size() - at);
    memcpy(bytes_.data() + at, &length, sizeof length);
  }

  /// A set of one bit, among as many as the kernel knows, or more.
  void bit(uint16_t type, int which) {
    nest(type, [&] {
      put(ethtool::BITSET_NOMASK, nullptr, 0);
      put(ethtool::BITSET_SIZE, static_cast<uint32_t>(which) + 1);
      put(ethtool::BITSET_VALUE, uint32_t{1} << which);
    });
  }

  /// Which interface is meant, and how sets are to be written.
  void about(uint16_t type, const std::string& interface) {
    nest(type, [&] {
      put(ethtool::HEADER_DEV_NAME, interface.c_str(), interface.size() + 1);
      put(ethtool::HEADER_FLAGS, ethtool::FLAG_COMPACT_BITSETS);
    });
  }

  const std::vector<uint8_t>& finished() {
    const auto length = static_cast<uint32_t>(bytes_.size());
    memcpy(bytes_.data(), &length, sizeof length);
    return bytes_;
  }

  static constexpr uint32_t SEQUENCE = 1;

 private:
  void append(const void* value, size_t bytes) {
    const auto* from = static_cast<const uint8_t*>(value);
    if (bytes > 0) bytes_.insert(bytes_.end(), from, from + bytes);
    bytes_.resize(NLA_ALIGN(bytes_.size()));
  }
  std::vector<uint8_t> bytes_;
};

/// Sends a request on a socket of its own, and gives each reply to `take`, until the kernel says that it was all.
template <typename F>
Status ask(Message& request, uint16_t type, F&& take) {
  const Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC));
  if (!fd.valid()) return Status::last("socket");
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &PATIENCE, sizeof PATIENCE);
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  const std::vector<uint8_t>& bytes = request.finished();
  const auto* to = reinterpret_cast<const sockaddr*>(&kernel);
  if (::sendto(fd.get(), bytes.data(), bytes.size(), 0, to, sizeof kernel) < 0) return Status::last("sendto");
  std::vector<uint8_t> buffer(MOST_BYTES);
  for (int i = 0; i < MOST_DATAGRAMS; i++) {
    sockaddr_nl from = {};
    socklen_t size = sizeof from;
    const ssize_t got =
        ::recvfrom(fd.get(), buffer.data(), buffer.size(), MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::last("recvfrom");
    // Other programs can send here as well.
    if (from.nl_pid != 0) continue;
    if (static_cast<size_t>(got) > buffer.size()) return {EMSGSIZE, "recvfrom"};
    const Replies replies = readReplies({buffer.data(), static_cast<size_t>(got)}, Message::SEQUENCE, type);
    for (const Bytes& message : replies.messages) take(message);
    if (replies.done) return {replies.error, "netlink"};
  }
  return {EPROTO, "netlink"};
}

/// The number that the kernel has given the family at its start; ENOENT: it has none.
Status findFamily(uint16_t* out) {
  Message request(GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, 1);
  request.put(CTRL_ATTR_FAMILY_NAME, "ethtool", sizeof "ethtool");
  uint16_t found = 0;
  const Status status = ask(request, GENL_ID_CTRL, [&](Bytes reply) {
    const Bytes id = attribute(reply, CTRL_ATTR_FAMILY_ID);
    if (id.size >= sizeof found) memcpy(&found, id.at, sizeof found);
  });
  if (!status.ok()) return status;
  *out = found;
  return found == 0 ? Status{ENOENT, "netlink"} : Status{};
}

/// TSINFO: with NLM_F_DUMP all that there is, else what is in force.
template <typename F>
Status askProviders(uint16_t family, uint16_t flags, const std::string& interface, F&& take) {
  Message request(family, flags, ethtool::TSINFO_GET, ethtool::VERSION);
  request.about(ethtool::TSINFO_HEADER, interface);
  return ask(request, family, [&](Bytes reply) {
    const StampProvider provider = readProvider(reply);
    if (isProvider(provider)) take(provider);
  });
}

/// An old kernel, or one without the messages.
bool isSilence(const Status& status) {
  return status.error == ENOENT || status.error == EOPNOTSUPP || status.error == EPROTONOSUPPORT;
}

Status checkName(const std::string& interface, unsigned* index) {
  *index = interface.empty() || interface.size() >= IFNAMSIZ ? 0 : ::if_nametoindex(interface.c_str());
  return *index == 0 ? Status{ENODEV, "if_nametoindex"} : Status{};
}

}  // namespace

Status stampProviders(const std::string& interface, std::vector<StampProvider>* out) {
  unsigned index;
  Status status = checkName(interface, &index);
  if (!status.ok()) return status;
  uint16_t family;
  status = findFamily(&family);
  if (!status.ok()) return isSilence(status) ? Status{} : status;
  // Kernels before 6.14 list all interfaces, whatever is asked for.
  status = askProviders(family, NLM_F_DUMP, interface, [&](const StampProvider& p) {
    const bool known = std::any_of(out->begin(), out->end(), [&](const StampProvider& q) { return same(p, q); });
    if (p.interface == index && !known && out->size() < MOST_PROVIDERS) out->push_back(p);
  });
  if (!status.ok()) return isSilence(status) ? Status{} : status;
  if (out->empty()) return {};
  status = askProviders(family, NLM_F_ACK, interface, [&](const StampProvider& p) {
    for (StampProvider& q : *out) q.inForce = same(p, q);
  });
  return isSilence(status) ? Status{} : status;
}

Status setStampProvider(const std::string& interface, int phcIndex, int qualifier, StampConfig* config) {
  unsigned index;
  Status status = checkName(interface, &index);
  if (!status.ok()) return status;
  uint16_t family;
  status = findFamily(&family);
  if (status.error == ENOENT) return {EOPNOTSUPP, status.call};
  if (!status.ok()) return status;
  Message request(family, NLM_F_ACK, ethtool::TSCONFIG_SET, ethtool::VERSION);
  request.about(ethtool::TSCONFIG_HEADER, interface);
  request.nest(ethtool::TSCONFIG_HWTSTAMP_PROVIDER, [&] {
    request.put(ethtool::PROVIDER_INDEX, static_cast<uint32_t>(phcIndex));
    request.put(ethtool::PROVIDER_QUALIFIER, static_cast<uint32_t>(qualifier));
  });
  request.bit(ethtool::TSCONFIG_TX_TYPES, config->txType);
  request.bit(ethtool::TSCONFIG_RX_FILTERS, config->rxFilter);
  status = ask(request, family, [](Bytes) {});
  // The other call sees the same setting.
  return status.ok() ? stampConfig(interface, config) : status;
}

}  // namespace tb
