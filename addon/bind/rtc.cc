#include "../sys/rtc.h"

#include "args.h"
#include "bind.h"
#include "environment.h"

namespace tb {
namespace {

constexpr size_t QUEUE = 16;
/// 9999-12-31: four digits of a year are all that a chip has.
constexpr int64_t LATEST = INT64_C(253402300799);

struct Item {
  int error = 0;
  RtcUpdate update;
};

class RtcSource : public Source {
 public:
  explicit RtcSource(std::shared_ptr<Bell> bell) : queue_(QUEUE, std::move(bell)) {}
  ~RtcSource() override { rtc.close(); }  // the thread must not outlive the queue

  Status start(Napi::Function onUpdate, Napi::Function onError) {
    onUpdate_ = Napi::Persistent(onUpdate);
    onError_ = Napi::Persistent(onError);
    const Status status = rtc.start([this](const RtcUpdate& u) { queue_.push({0, u}); },
                                    [this](int error) { queue_.push({error, {}}); });
    if (!status.ok()) shutdown();
    return status;
  }
  void deliver(Napi::Env env) override {
    Item item;
    while (started() && queue_.pop(&item)) {
      const Napi::HandleScope scope(env);
      if (item.error != 0) {
        invoke(env, onError_, {Napi::String::New(env, errnoName(item.error))});
        continue;
      }
      Napi::Object out = Napi::Object::New(env);
      out["time"] = bigint(env, item.update.time);
      out["seconds"] = Napi::Number::New(env, static_cast<double>(item.update.seconds));
      out["error"] = bigint(env, item.update.error);
      invoke(env, onUpdate_, {out});
    }
  }
  void shutdown() override {
    rtc.close();
    onUpdate_.Reset();
    onError_.Reset();
  }
  bool started() const { return !onUpdate_.IsEmpty(); }

  Rtc rtc;

 private:
  Napi::FunctionReference onUpdate_;
  Napi::FunctionReference onError_;
  Queue<Item> queue_;
};

class RtcObject : public Napi::ObjectWrap<RtcObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Rtc",
                       {
                           InstanceMethod<&RtcObject::read>("read"),
                           InstanceMethod<&RtcObject::set>("set"),
                           InstanceMethod<&RtcObject::start>("start"),
                           InstanceMethod<&RtcObject::request>("request"),
                           InstanceMethod<&RtcObject::close>("close"),
                       });
  }

  explicit RtcObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RtcObject>(info) {
    const std::string path = toText(info[0], "path");
    auto source = std::make_shared<RtcSource>(Environment::of(info.Env()).bell());
    check(info.Env(), source->rtc.open(path), path);
    source_ = std::move(source);
  }

  ~RtcObject() override {
    // Collected without close(): a started one is held by the environment and closed at its end.
    if (source_ != nullptr && !source_->started()) source_->shutdown();
  }

 private:
  RtcSource& opened(Napi::Env env) {
    if (source_ == nullptr) misuse(env, "the clock is closed");
    return *source_;
  }

  Napi::Value read(const Napi::CallbackInfo& info) {
    int64_t seconds = 0;
    check(info.Env(), opened(info.Env()).rtc.read(&seconds));
    return Napi::Number::New(info.Env(), static_cast<double>(seconds));
  }

  Napi::Value set(const Napi::CallbackInfo& info) {
    RtcSource& source = opened(info.Env());
    check(info.Env(), source.rtc.set(toInteger(info[0], "seconds", 0, LATEST)));
    return info.Env().Undefined();
  }

  Napi::Value start(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (opened(env).started()) misuse(env, "the clock is started already");
    const Napi::Function onUpdate = toFunction(info[0], "onUpdate");
    const Napi::Function onError = toFunction(info[1], "onError");
    check(env, source_->start(onUpdate, onError));
    Environment::of(env).add(source_);
    return env.Undefined();
  }

  Napi::Value request(const Napi::CallbackInfo& info) {
    if (!opened(info.Env()).started()) misuse(info.Env(), "the clock is not started");
    check(info.Env(), source_->rtc.request());
    return info.Env().Undefined();
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    if (source_ != nullptr) {
      source_->shutdown();
      Environment::of(info.Env()).remove(source_.get());
      source_.reset();
    }
    return info.Env().Undefined();
  }

  std::shared_ptr<RtcSource> source_;
};

}  // namespace

void bindRtc(Napi::Env env, Napi::Object exports) { exports["Rtc"] = RtcObject::define(env); }

}  // namespace tb
