// libFuzzer: netlink messages about providers of stamps as no kernel writes them, after one that Linux 7.3 wrote.
// scripts/addon-fuzz.sh builds and runs it.
#include "../../../addon/sys/tsreply.h"

#include <cstdlib>
#include <memory>

namespace {

constexpr uint16_t FAMILY = 0x17;
constexpr uint32_t SEQUENCE = 1;

void require(bool holds) {
  if (!holds) std::abort();
}

#include "tsreply_recorded.h"

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const tb::Replies replies = tb::readReplies({RECORDED, sizeof RECORDED}, SEQUENCE, FAMILY);
  require(replies.done && replies.error == 0 && replies.messages.size() == 2);
  const tb::StampProvider precise = tb::readProvider(replies.messages[0]);
  const tb::StampProvider approx = tb::readProvider(replies.messages[1]);
  require(tb::isProvider(precise) && tb::isProvider(approx) && !tb::same(precise, approx));
  require(precise.qualifier == 0 && approx.qualifier == 1 && precise.phcIndex == 0 && approx.phcIndex == 1);
  for (const tb::StampProvider& p : {precise, approx}) {
    require(p.interface == 2 && p.source == 1 && p.phyIndex == -1);
    // Hardware, software, raw; off and on; none and all.
    require(p.flags == 0x5f && p.txTypes == 3 && p.rxFilters == 3);
  }
  require(!tb::isProvider(tb::readProvider({})));
  require(tb::readReplies({RECORDED, sizeof RECORDED}, SEQUENCE + 1, FAMILY).messages.empty());
  require(tb::readReplies({RECORDED, sizeof RECORDED}, SEQUENCE, FAMILY + 1).messages.empty());
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Exactly as long as the input: a byte read behind it is found.
  const std::unique_ptr<uint8_t, decltype(&std::free)> copy(static_cast<uint8_t*>(std::malloc(size == 0 ? 1 : size)), &std::free);
  if (size > 0) memcpy(copy.get(), data, size);
  const tb::Replies replies = tb::readReplies({copy.get(), size}, SEQUENCE, FAMILY);
  require(replies.error >= 0 && replies.error < 4096);
  require(replies.error == 0 || replies.done);
  for (const tb::Bytes& message : replies.messages) {
    require(message.at >= copy.get() && message.at + message.size <= copy.get() + size);
    const tb::StampProvider p = tb::readProvider(message);
    require(!p.inForce && (!tb::isProvider(p) || p.phcIndex >= 0));
  }
  tb::readProvider({copy.get(), size});
  return 0;
}

/// Most bytes say nothing: the recorded list, with some bytes changed and perhaps cut.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max, unsigned seed) {
  std::srand(seed);
  if (std::rand() % 4 != 0 || max < sizeof RECORDED) return LLVMFuzzerMutate(data, size, max);
  memcpy(data, RECORDED, sizeof RECORDED);
  for (int i = std::rand() % 8; i > 0; i--)
    data[static_cast<size_t>(std::rand()) % sizeof RECORDED] = static_cast<uint8_t>(std::rand());
  return std::rand() % 2 == 0 ? sizeof RECORDED : static_cast<size_t>(std::rand()) % sizeof RECORDED;
}
