#include "../sys/phc.h"

#include "../sys/timex.h"
#include "args.h"
#include "bind.h"
#include "environment.h"

namespace tb {
namespace {

constexpr size_t QUEUE = 64;

struct Item {
  int error = 0;
  unsigned channel = 0;
  int64_t time = 0;
};

/// The device, shared between the object and, while events are read, the environment.
class PhcSource : public Source {
 public:
  explicit PhcSource(std::shared_ptr<Bell> bell) : queue_(QUEUE, std::move(bell)) {}
  ~PhcSource() override { phc.close(); }  // the thread must not outlive the queue

  Status start(Napi::Function onEvent, Napi::Function onError) {
    onEvent_ = Napi::Persistent(onEvent);
    onError_ = Napi::Persistent(onError);
    const Status status = phc.startEvents([this](unsigned channel, int64_t time) { queue_.push({0, channel, time}); },
                                          [this](int error) { queue_.push({error, 0, 0}); });
    if (!status.ok()) shutdown();
    return status;
  }
  void deliver(Napi::Env env) override {
    Item item;
    while (started() && queue_.pop(&item)) {
      const Napi::HandleScope scope(env);
      if (item.error != 0) {
        invoke(env, onError_, {Napi::String::New(env, errnoName(item.error))});
      } else {
        invoke(env, onEvent_, {Napi::Number::New(env, item.channel), bigint(env, item.time)});
      }
    }
  }
  void shutdown() override {
    phc.stopEvents();
    onEvent_.Reset();
    onError_.Reset();
  }
  bool started() const { return !onEvent_.IsEmpty(); }

  Phc phc;

 private:
  Napi::FunctionReference onEvent_;
  Napi::FunctionReference onError_;
  Queue<Item> queue_;
};

Napi::Object toJs(Napi::Env env, const PhcReading& r) {
  Napi::Object out = Napi::Object::New(env);
  out["before"] = bigint(env, r.before);
  out["phc"] = bigint(env, r.phc);
  out["after"] = bigint(env, r.after);
  return out;
}

Napi::Value toJs(Napi::Env env, const std::vector<PhcReading>& readings) {
  Napi::Array out = Napi::Array::New(env, readings.size());
  for (size_t i = 0; i < readings.size(); i++) out[static_cast<uint32_t>(i)] = toJs(env, readings[i]);
  return out;
}

unsigned toUnsigned(const Napi::Value& value, const char* name) {
  return static_cast<unsigned>(toInteger(value, name, 0, INT32_MAX));
}

class PhcObject : public Napi::ObjectWrap<PhcObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Phc",
                       {
                           InstanceMethod<&PhcObject::capabilities>("capabilities"),
                           InstanceMethod<&PhcObject::gettime>("gettime"),
                           InstanceMethod<&PhcObject::offsetPrecise>("offsetPrecise"),
                           InstanceMethod<&PhcObject::offsetExtended>("offsetExtended"),
                           InstanceMethod<&PhcObject::offsetBasic>("offsetBasic"),
                           InstanceMethod<&PhcObject::extts>("extts"),
                           InstanceMethod<&PhcObject::pinFunction>("pinFunction"),
                           InstanceMethod<&PhcObject::startEvents>("startEvents"),
                           InstanceMethod<&PhcObject::stopEvents>("stopEvents"),
                           InstanceMethod<&PhcObject::close>("close"),
                       });
  }

  explicit PhcObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PhcObject>(info) {
    const Napi::Env env = info.Env();
    const std::string path = toText(info[0], "path");
    const bool write = toBoolean(info[1], "write");
    auto source = std::make_shared<PhcSource>(Environment::of(env).bell());
    check(env, source->phc.open(path, write), path);
    source_ = std::move(source);
    info.This().As<Napi::Object>()["clockId"] = Napi::Number::New(env, source_->phc.clockId());
  }

 private:
  Phc& opened(Napi::Env env) {
    if (source_ == nullptr) misuse(env, "the clock is closed");
    return source_->phc;
  }

  Napi::Value capabilities(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    PhcCaps caps;
    check(env, opened(env).capabilities(&caps));
    Napi::Object out = Napi::Object::New(env);
    out["maxAdjPpb"] = Napi::Number::New(env, caps.maxAdjPpb);
    out["nAlarm"] = Napi::Number::New(env, caps.nAlarm);
    out["nExtTs"] = Napi::Number::New(env, caps.nExtTs);
    out["nPerOut"] = Napi::Number::New(env, caps.nPerOut);
    out["pps"] = Napi::Boolean::New(env, caps.pps);
    out["nPins"] = Napi::Number::New(env, caps.nPins);
    out["crossTimestamping"] = Napi::Boolean::New(env, caps.crossTimestamping);
    out["adjustPhase"] = Napi::Boolean::New(env, caps.adjustPhase);
    return out;
  }

  Napi::Value gettime(const Napi::CallbackInfo& info) {
    int64_t ns = 0;
    check(info.Env(), clockRead(opened(info.Env()).clockId(), &ns));
    return bigint(info.Env(), ns);
  }

  Napi::Value offsetPrecise(const Napi::CallbackInfo& info) {
    PhcReading reading;
    check(info.Env(), opened(info.Env()).offsetPrecise(&reading));
    return toJs(info.Env(), reading);
  }

  Napi::Value offsetExtended(const Napi::CallbackInfo& info) {
    std::vector<PhcReading> readings;
    check(info.Env(), opened(info.Env()).offsetExtended(toInt(info[0], "samples", 1, Phc::MAX_SAMPLES), &readings));
    return toJs(info.Env(), readings);
  }

  Napi::Value offsetBasic(const Napi::CallbackInfo& info) {
    std::vector<PhcReading> readings;
    check(info.Env(), opened(info.Env()).offsetBasic(toInt(info[0], "samples", 1, Phc::MAX_SAMPLES), &readings));
    return toJs(info.Env(), readings);
  }

  Napi::Value extts(const Napi::CallbackInfo& info) {
    check(info.Env(), opened(info.Env()).extts(toUnsigned(info[0], "channel"), toUnsigned(info[1], "flags")));
    return info.Env().Undefined();
  }

  Napi::Value pinFunction(const Napi::CallbackInfo& info) {
    const unsigned pin = toUnsigned(info[0], "pin");
    const unsigned function = toUnsigned(info[1], "func");
    check(info.Env(), opened(info.Env()).pinFunction(pin, function, toUnsigned(info[2], "channel")));
    return info.Env().Undefined();
  }

  Napi::Value startEvents(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    opened(env);
    if (source_->started()) misuse(env, "events are started already");
    const Napi::Function onEvent = toFunction(info[0], "onEvent");
    check(env, source_->start(onEvent, toFunction(info[1], "onError")));
    Environment::of(env).add(source_);
    return env.Undefined();
  }

  Napi::Value stopEvents(const Napi::CallbackInfo& info) {
    if (source_ != nullptr) {
      source_->shutdown();
      Environment::of(info.Env()).remove(source_.get());
    }
    return info.Env().Undefined();
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    stopEvents(info);
    if (source_ != nullptr) source_->phc.close();
    source_.reset();
    return info.Env().Undefined();
  }

  std::shared_ptr<PhcSource> source_;
};

}  // namespace

void bindPhc(Napi::Env env, Napi::Object exports) { exports["Phc"] = PhcObject::define(env); }

}  // namespace tb
