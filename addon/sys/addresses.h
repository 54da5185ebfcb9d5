// The host's own addresses, and news of them.
#pragma once

#include <string>
#include <vector>

#include "status.h"

namespace tb {

/// Numeric addresses of the interfaces (of `device` alone, when it is not empty). Without those that need an interface
/// to be complete (fe80::/10) and those that are nobody's.
std::vector<std::string> ownAddresses(int family, const std::string& device);

/// Tells when addresses come or go (rtnetlink).
class AddressWatch {
 public:
  Status open();
  void close() { fd_.reset(); }
  /// For poll(); −1 while it is closed.
  int fd() const { return fd_.get(); }
  /// Has there been news since the last call?
  bool changed();

 private:
  Fd fd_;
};

}  // namespace tb
