// libFuzzer: control messages as no kernel writes them. scripts/addon-fuzz.sh builds and runs it.
#include <cstdlib>
#include <memory>

#include "../../../addon/sys/ancillary.h"

namespace {

/// Exactly as long as the input: a byte read behind it is found.
struct Control {
  explicit Control(const uint8_t* data, size_t size) : bytes(std::malloc(size == 0 ? 1 : size)) {
    if (size > 0) memcpy(bytes, data, size);
    header.msg_control = bytes;
    header.msg_controllen = size;
  }
  ~Control() { std::free(bytes); }
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  void* bytes;
  msghdr header = {};
};

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Control control(data, size);
  const tb::Ancillary a = tb::readAncillary(&control.header);
  require(a.kind == tb::slab::KIND_DAEMON || a.kind == tb::slab::KIND_KERNEL);
  require(a.kind == tb::slab::KIND_KERNEL || !tb::isSet(a.stamp));
  require(a.addressed || a.interface == 0);
  const tb::TxReport r = tb::readTxReport(control.header);
  require(r.stamped == tb::isSet(r.stamp));
  require(r.kind == tb::slab::KIND_KERNEL || r.stamped);
  return 0;
}

/// Most bytes say nothing: messages of the right form, with a length and a cut that may be wrong.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max, unsigned seed) {
  constexpr struct {
    int level;
    int type;
    size_t bytes;
  } KNOWN[] = {
      {SOL_SOCKET, SO_TIMESTAMPING, sizeof(scm_timestamping)}, {SOL_SOCKET, SO_TIMESTAMPNS, sizeof(timespec)},
      {SOL_SOCKET, SO_RXQ_OVFL, sizeof(uint32_t)},             {IPPROTO_IP, IP_PKTINFO, sizeof(in_pktinfo)},
      {IPPROTO_IPV6, IPV6_PKTINFO, sizeof(in6_pktinfo)},       {IPPROTO_IP, IP_RECVERR, sizeof(sock_extended_err)},
      {IPPROTO_IPV6, IPV6_RECVERR, sizeof(sock_extended_err)}, {SOL_SOCKET, SCM_TIMESTAMPING_PKTINFO, sizeof(scm_ts_pktinfo)},
  };
  std::srand(seed);
  if (std::rand() % 3 == 0) return LLVMFuzzerMutate(data, size, max);
  const auto& k = KNOWN[static_cast<size_t>(std::rand()) % (sizeof KNOWN / sizeof KNOWN[0])];
  const size_t at = CMSG_ALIGN(size);
  const size_t whole = CMSG_SPACE(k.bytes);
  if (at + whole > max) return LLVMFuzzerMutate(data, size, max);
  memset(data + size, 0, at - size);
  cmsghdr c = {};
  c.cmsg_level = k.level;
  c.cmsg_type = k.type;
  c.cmsg_len = std::rand() % 8 == 0 ? static_cast<size_t>(std::rand() % 100) : CMSG_LEN(k.bytes);
  memcpy(data + at, &c, sizeof c);
  for (size_t i = sizeof c; i < whole; i++) data[at + i] = static_cast<uint8_t>(std::rand());
  return at + (std::rand() % 8 == 0 ? static_cast<size_t>(std::rand()) % whole : whole);
}
