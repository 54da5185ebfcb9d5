// The outcome of a system call and the owner of a file descriptor: the two words every file below shares.
#pragma once

#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace tb {

/// 0 or an errno, with the name of the call that gave it.
struct Status {
  int error = 0;
  const char* call = "";

  bool ok() const { return error == 0; }
  static Status last(const char* call) { return {errno, call}; }
};

/// Name of an errno ("ENODEV"), "EUNKNOWN" for one that is not in the table.
const char* errnoName(int error);

/// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

/// eventfd, non-blocking: the way to tell a thread that sits in poll() to look up.
Status openEvent(Fd* out);
/// Adds one to an eventfd. Any thread.
Status ringEvent(int fd);
/// Empties an eventfd.
void clearEvent(int fd);

/// Starts a thread with every signal blocked (they belong to Node's threads) and a name that ps and perf show.
template <typename F>
std::thread startThread(const char* name, F&& body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  struct Restore {
    const sigset_t& mask;
    ~Restore() { pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } restore{before};
  std::thread thread(std::forward<F>(body));
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace tb
