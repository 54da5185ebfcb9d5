#include "../sys/arrivals.h"

#include "args.h"
#include "bind.h"
#include "environment.h"

namespace tb {
namespace {

/// A JavaScript function that the thread has called.
struct Listener {
  Napi::FunctionReference function;
  std::atomic<bool> called{false};

  /// What the thread calls; empty when there is no function.
  std::function<void()> bind(Napi::Env env, const Napi::Value& value) {
    if (!value.IsFunction()) return {};
    function = Napi::Persistent(value.As<Napi::Function>());
    return [this, bell = Environment::of(env).bell()] {
      called = true;
      bell->ring();
    };
  }
  void deliver(Napi::Env env) {
    if (called.exchange(false) && !function.IsEmpty()) invoke(env, function, {});
  }
};

/// The watch and its listeners.
class ArrivalSource : public Source {
 public:
  void start(Napi::Env env, int fd, const Napi::Value& onArrival, const Napi::Value& onHangup) {
    check(env, arrivals_.open(fd, arrival_.bind(env, onArrival), hangup_.bind(env, onHangup)));
  }
  void deliver(Napi::Env env) override {
    arrival_.deliver(env);
    hangup_.deliver(env);
  }
  void shutdown() override {
    arrivals_.close();
    arrival_.function.Reset();
    hangup_.function.Reset();
  }
  Arrivals& arrivals() { return arrivals_; }

 private:
  Listener arrival_;
  Listener hangup_;
  Arrivals arrivals_;
};

class ArrivalsObject : public Napi::ObjectWrap<ArrivalsObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Arrivals",
                       {
                           InstanceMethod<&ArrivalsObject::take>("take"),
                           InstanceMethod<&ArrivalsObject::dropped>("dropped"),
                           InstanceMethod<&ArrivalsObject::close>("close"),
                       });
  }

  explicit ArrivalsObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ArrivalsObject>(info) {
    const int fd = toInt(info[0], "fd", 0, INT32_MAX);
    if (!info[1].IsUndefined()) toFunction(info[1], "onArrival");
    if (!info[2].IsUndefined()) toFunction(info[2], "onHangup");
    auto source = std::make_shared<ArrivalSource>();
    source->start(info.Env(), fd, info[1], info[2]);
    source_ = std::move(source);
    // Every watch is registered, so that its thread ends with the environment; each holds the loop until close().
    Environment::of(info.Env()).add(source_);
  }

 private:
  ArrivalSource& opened(Napi::Env env) {
    if (source_ == nullptr) misuse(env, "the watch is closed");
    return *source_;
  }

  Napi::Value take(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::vector<Arrival> taken = opened(env).arrivals().take();
    Napi::Array out = Napi::Array::New(env, taken.size());
    for (size_t i = 0; i < taken.size(); i++) {
      Napi::Object item = Napi::Object::New(env);
      item["realtime"] = bigint(env, taken[i].realtime);
      item["monotonicRaw"] = bigint(env, taken[i].monotonicRaw);
      item["pending"] = Napi::Number::New(env, taken[i].pending);
      out[static_cast<uint32_t>(i)] = item;
    }
    return out;
  }

  Napi::Value dropped(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(opened(info.Env()).arrivals().dropped()));
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    if (source_ != nullptr) {
      source_->shutdown();
      Environment::of(info.Env()).remove(source_.get());
      source_.reset();
    }
    return info.Env().Undefined();
  }

  std::shared_ptr<ArrivalSource> source_;
};

}  // namespace

void bindArrivals(Napi::Env env, Napi::Object exports) { exports["Arrivals"] = ArrivalsObject::define(env); }

}  // namespace tb
