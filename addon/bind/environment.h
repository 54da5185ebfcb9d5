// What the addon keeps for each environment (the main thread, each worker), and how its threads reach JavaScript.
#pragma once

#include <napi.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <vector>

namespace tb {

/**
 * Any thread's way to call for the JavaScript thread. Outlives the environment: a thread that is slow to end finds it
 * shut and does nothing.
 */
class Bell {
 public:
  explicit Bell(napi_threadsafe_function function) : function_(function) {}
  void ring();
  void shut();
  /// The JavaScript thread has come; the next ring() is a new call.
  void answered() { rung_ = false; }

 private:
  std::mutex mutex_;
  napi_threadsafe_function function_;
  std::atomic<bool> rung_{false};
};

/// A producer whose thread fills a queue that the JavaScript thread empties.
class Source {
 public:
  virtual ~Source() = default;
  /// JavaScript thread: hand over what is queued.
  virtual void deliver(Napi::Env env) = 0;
  /// JavaScript thread: stop the thread, let go of every JavaScript value. Also at the environment's end; idempotent.
  virtual void shutdown() = 0;
};

/**
 * One threadsafe function serves all sources of the environment. It is unref'd, and ref'd while a source is started:
 * a started source keeps the event loop alive, its stop() or close() lets it go.
 */
class Environment {
 public:
  static void install(Napi::Env env);
  static Environment& of(Napi::Env env);

  explicit Environment(Napi::Env env);
  ~Environment();

  std::shared_ptr<Bell> bell() const { return bell_; }
  void add(std::shared_ptr<Source> source);
  void remove(const Source* source);

 private:
  static void onBell(napi_env env, napi_value, void* context, void*);
  static void onEnd(void* self);
  void deliver(Napi::Env env);
  void end();

  Napi::Env env_;
  napi_threadsafe_function function_ = nullptr;
  std::shared_ptr<Bell> bell_;
  std::vector<std::shared_ptr<Source>> sources_;
  bool ended_ = false;
};

/// Calls a listener; an exception of its own becomes an uncaught one of the process or worker, as with an event emitter.
void invoke(Napi::Env env, const Napi::FunctionReference& listener, std::initializer_list<napi_value> arguments);

/// Bounded hand-over: the oldest is dropped and counted when JavaScript is slow.
template <typename T>
class Queue {
 public:
  Queue(size_t limit, std::shared_ptr<Bell> bell) : limit_(limit), bell_(std::move(bell)) {}

  void push(T&& item) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (items_.size() == limit_) {
        items_.pop_front();
        dropped_++;
      }
      items_.push_back(std::move(item));
    }
    bell_->ring();
  }
  bool pop(T* out) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (items_.empty()) return false;
    *out = std::move(items_.front());
    items_.pop_front();
    return true;
  }
  /// After a delivery that was cut short to let the event loop turn.
  void again() { bell_->ring(); }
  void countDrop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    dropped_++;
  }
  uint64_t dropped() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return dropped_;
  }

 private:
  const size_t limit_;
  const std::shared_ptr<Bell> bell_;
  std::mutex mutex_;
  std::deque<T> items_;
  uint64_t dropped_ = 0;
};

}  // namespace tb
