// A UNIX datagram socket bound at a path, received by a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

#include "status.h"

namespace tb {

struct DatagramMessage {
  std::vector<uint8_t> bytes;
  /// Path of the sender; `bound` false when it has none (unbound or abstract).
  std::string from;
  bool bound = false;
};

class UnixDatagram {
 public:
  /// Largest message taken; a longer one is dropped and counted.
  static constexpr size_t MAX_BYTES = 8192;

  UnixDatagram() = default;
  UnixDatagram(const UnixDatagram&) = delete;
  UnixDatagram& operator=(const UnixDatagram&) = delete;
  ~UnixDatagram() { close(); }

  /// `unlinkStale`: a socket that lies at the path is removed first (nothing else is). `mode` negative: as umask leaves it.
  Status open(const std::string& path, bool unlinkStale, int mode);
  /// `onMessage` and `onError` run on the thread; it ends after an error.
  Status start(std::function<void(DatagramMessage&&)> onMessage, std::function<void(int)> onError,
               std::function<void()> onDropped);
  /// EAGAIN, ENOENT, ECONNREFUSED, ECONNRESET: the peer is full or gone.
  Status send(const uint8_t* bytes, size_t length, const std::string& to);
  /// Stops the thread and removes the path if it is still ours.
  void close();
  bool opened() const { return fd_.valid(); }

 private:
  Fd fd_;
  Fd stop_;
  std::thread thread_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace tb
