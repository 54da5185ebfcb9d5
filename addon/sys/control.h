// Control messages, one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sys/socket.h>

namespace tb {

/// Takes the contents of a control message; false: it is another one, or too short, or not wholly there.
template <typename T>
bool takeControl(const msghdr& header, const cmsghdr* c, int level, int type, T* out) {
  if (c->cmsg_level != level || c->cmsg_type != type || c->cmsg_len < CMSG_LEN(sizeof *out)) return false;
  const auto* end = static_cast<const uint8_t*>(header.msg_control) + header.msg_controllen;
  if (end - CMSG_DATA(c) < static_cast<ptrdiff_t>(sizeof *out)) return false;
  memcpy(out, CMSG_DATA(c), sizeof *out);
  return true;
}

}  // namespace tb
