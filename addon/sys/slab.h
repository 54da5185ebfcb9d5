// The packet slab, word for word as in src/ports/transport.ts (a test compares the two).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tb::slab {

constexpr size_t SLOTS = 64;
constexpr size_t SLOT_BYTES = 1536;
constexpr size_t META_WORDS = 40;
constexpr size_t DATA = META_WORDS * 4;
constexpr size_t MAX_PACKET = SLOT_BYTES - DATA;
constexpr size_t BYTES = SLOTS * SLOT_BYTES;

enum Meta : size_t {
  SOCKET = 0,
  RX_LENGTH = 1,
  TRUNCATED = 2,
  RX_SEC_LO = 3,
  RX_SEC_HI = 4,
  RX_NSEC = 5,
  RX_KIND = 6,
  FAMILY = 7,
  SRC_PORT = 8,
  SRC_ADDR = 9,
  SRC_SCOPE = 13,
  DST_ADDR = 14,
  IFINDEX = 18,
  TX_LENGTH = 19,
  TX_FLAGS = 20,
  TX_CORR_SEC = 21,
  TX_CORR_NSEC = 22,
  TX_KEY = 23,
  T3_SEC_LO = 24,
  T3_SEC_HI = 25,
  T3_NSEC = 26,
  TX_ID = 27,
  TX_ERRNO = 28,
  COOKIE = 29,
  RX_AGE = 30,
  TX_MAC = 31,
  HW_SEC_LO = 32,
  HW_SEC_HI = 33,
  HW_NSEC = 34,
  HW_IFINDEX = 35,
  HW_LENGTH = 36,
  TX_NOISE = 37,
};

struct MetaName {
  const char* name;
  size_t word;
};
constexpr MetaName META_NAMES[] = {
    {"SOCKET", SOCKET},         {"RX_LENGTH", RX_LENGTH},     {"TRUNCATED", TRUNCATED}, {"RX_SEC_LO", RX_SEC_LO},
    {"RX_SEC_HI", RX_SEC_HI},   {"RX_NSEC", RX_NSEC},         {"RX_KIND", RX_KIND},     {"FAMILY", FAMILY},
    {"SRC_PORT", SRC_PORT},     {"SRC_ADDR", SRC_ADDR},       {"SRC_SCOPE", SRC_SCOPE}, {"DST_ADDR", DST_ADDR},
    {"IFINDEX", IFINDEX},       {"TX_LENGTH", TX_LENGTH},     {"TX_FLAGS", TX_FLAGS},   {"TX_CORR_SEC", TX_CORR_SEC},
    {"TX_CORR_NSEC", TX_CORR_NSEC}, {"TX_KEY", TX_KEY},       {"T3_SEC_LO", T3_SEC_LO}, {"T3_SEC_HI", T3_SEC_HI},
    {"T3_NSEC", T3_NSEC},       {"TX_ID", TX_ID},             {"TX_ERRNO", TX_ERRNO},   {"COOKIE", COOKIE},
    {"RX_AGE", RX_AGE},         {"TX_MAC", TX_MAC},           {"HW_SEC_LO", HW_SEC_LO}, {"HW_SEC_HI", HW_SEC_HI},
    {"HW_NSEC", HW_NSEC},       {"HW_IFINDEX", HW_IFINDEX},   {"HW_LENGTH", HW_LENGTH}, {"TX_NOISE", TX_NOISE},
};

constexpr uint32_t FLAG_STAMP = 1;
constexpr uint32_t FLAG_WANT_TX = 2;
constexpr uint32_t FLAG_TIME = 4;
constexpr uint32_t FLAG_BROADCAST = 8;

/// Above it in TX_FLAGS: bytes at the end of the slot that leave before the packet.
constexpr uint32_t PREFIX_SHIFT = 8;
constexpr size_t PREFIX_MAX = 64;

/// TX_ID of a packet whose stamp will not come back.
constexpr uint32_t NO_STAMP = 0xffffffff;

constexpr uint32_t KIND_DAEMON = 0;
constexpr uint32_t KIND_KERNEL = 1;
constexpr uint32_t KIND_HARDWARE = 2;

constexpr size_t TXSTAMP_WORDS = 7;
constexpr size_t TXSTAMP_MAX = 256;
constexpr size_t TXSTAMP_BYTES = TXSTAMP_MAX * TXSTAMP_WORDS * 4;
enum TxStamp : size_t {
  STAMP_SOCKET = 0,
  STAMP_ID = 1,
  STAMP_KIND = 2,
  STAMP_SEC_LO = 3,
  STAMP_SEC_HI = 4,
  STAMP_NSEC = 5,
  STAMP_IFINDEX = 6,
};

static_assert(SLOT_BYTES % 64 == 0, "slots start on cache lines");
static_assert(TX_NOISE < META_WORDS, "metadata fits before the packet");

}  // namespace tb::slab
