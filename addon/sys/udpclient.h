// NTP requests of our own: each from a connected socket with a port of its own, stamped by the kernel both ways.
#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hwstamp.h"
#include "status.h"

namespace tb {

struct ClientRequest {
  std::string address;  // numeric
  uint16_t port = 0;
  std::string localAddress;  // '' = any
  uint16_t localPort = 0;    // 0 = a random one
  std::string device;        // '' = any
  int dscp = 0;
  bool warm = false;      // see warmUp()
  bool hardware = false;  // stamps of network cards, too
};

/// What the kernel told of one request.
struct ClientEvent {
  enum Kind { SENT, REPLY } kind = SENT;
  uint32_t id = 0;
  timespec stamp = {};
  bool kernel = false;  // false: read by the thread, after the fact
  HardwareStamp hardware;  // on the card's own clock; of a request it comes as an event of its own
  std::vector<uint8_t> bytes;
};

/// All open requests; one thread waits for their stamps and replies.
class UdpClients {
 public:
  static constexpr size_t MAX_BYTES = 2048;
  static constexpr size_t MAX_OPEN = 4096;

  ~UdpClients() { close(); }
  Status start(std::function<void(ClientEvent&&)> onEvent);
  /// Sends at once. `stamp`: the system clock just before; `local`: the address it leaves from.
  Status request(const ClientRequest& to, const uint8_t* bytes, size_t length, uint32_t* id, timespec* stamp, std::string* local);
  /// Closes the request's socket: nothing is told of it any more. Unknown ids are none.
  void forget(uint32_t id);
  void close();

 private:
  void serve(uint32_t id);
  void run();

  std::mutex mutex_;
  std::map<uint32_t, Fd> open_;
  uint32_t next_ = 1;
  Fd epoll_;
  Fd stop_;
  /// Also keeps the kernel stamping all arrivals: switched on by a request's own socket, it could come too late for the reply.
  Fd echo_;
  std::thread thread_;
  std::function<void(ClientEvent&&)> onEvent_;
};

}  // namespace tb
