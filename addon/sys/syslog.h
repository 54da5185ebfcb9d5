// The system log's socket (/dev/log), as syslog(3) speaks to it: RFC 3164 lines as datagrams.
#pragma once

#include <cstdint>
#include <string>

#include "status.h"

namespace tb {

class Syslog {
 public:
  /// `ident`: the program's name. ENOENT, ECONNREFUSED: nobody listens.
  Status open(const std::string& path, const std::string& ident);
  /// `priority`: severity of syslog(3), 0…7; the facility is LOG_DAEMON. A log that was restarted is found again. Never waits.
  Status write(int priority, const std::string& text);
  void close() {
    fd_.reset();
    path_.clear();
  }
  bool opened() const { return !path_.empty(); }

 private:
  Status connect();

  std::string path_;
  std::string ident_;
  Fd fd_;
};

}  // namespace tb
