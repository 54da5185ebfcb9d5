#include "../sys/pps.h"

#include "args.h"
#include "bind.h"
#include "environment.h"

namespace tb {
namespace {

constexpr size_t QUEUE = 64;

struct Item {
  int error = 0;
  PpsInfo info;
};

Napi::Object toJs(Napi::Env env, const PpsInfo& i) {
  Napi::Object out = Napi::Object::New(env);
  out["assertSequence"] = Napi::Number::New(env, i.assertSequence);
  out["clearSequence"] = Napi::Number::New(env, i.clearSequence);
  out["assertTime"] = bigint(env, i.assertTime);
  out["clearTime"] = bigint(env, i.clearTime);
  out["mode"] = Napi::Number::New(env, i.mode);
  return out;
}

class PpsSource : public Source {
 public:
  explicit PpsSource(std::shared_ptr<Bell> bell) : queue_(std::make_shared<Queue<Item>>(QUEUE, std::move(bell))) {}

  Status start(const Pps& pps, Napi::Function onInfo, Napi::Function onError) {
    onInfo_ = Napi::Persistent(onInfo);
    onError_ = Napi::Persistent(onError);
    // The thread may outlive this object: it shares the queue and the flag, nothing else.
    return pps.start(stopped_, [queue = queue_](const PpsInfo& info) { queue->push({0, info}); },
                     [queue = queue_](int error) { queue->push({error, {}}); });
  }
  void deliver(Napi::Env env) override {
    Item item;
    while (!*stopped_ && queue_->pop(&item)) {
      const Napi::HandleScope scope(env);
      if (item.error != 0) {
        invoke(env, onError_, {Napi::String::New(env, errnoName(item.error))});
      } else {
        invoke(env, onInfo_, {toJs(env, item.info)});
      }
    }
  }
  void shutdown() override {
    *stopped_ = true;
    onInfo_.Reset();
    onError_.Reset();
  }
  uint64_t dropped() const { return queue_->dropped(); }

 private:
  std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<Queue<Item>> queue_;
  Napi::FunctionReference onInfo_;
  Napi::FunctionReference onError_;
};

class PpsObject : public Napi::ObjectWrap<PpsObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Pps",
                       {
                           InstanceMethod<&PpsObject::capabilities>("capabilities"),
                           InstanceMethod<&PpsObject::getParams>("getParams"),
                           InstanceMethod<&PpsObject::setParams>("setParams"),
                           InstanceMethod<&PpsObject::fetch>("fetch"),
                           InstanceMethod<&PpsObject::start>("start"),
                           InstanceMethod<&PpsObject::dropped>("dropped"),
                           InstanceMethod<&PpsObject::stop>("stop"),
                           InstanceMethod<&PpsObject::close>("close"),
                       });
  }

  explicit PpsObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PpsObject>(info) {
    const std::string path = toText(info[0], "path");
    check(info.Env(), pps_.open(path), path);
  }

 private:
  void needOpen(Napi::Env env) const {
    if (!pps_.opened()) misuse(env, "the source is closed");
  }

  Napi::Value capabilities(const Napi::CallbackInfo& info) {
    needOpen(info.Env());
    int mode = 0;
    check(info.Env(), pps_.capabilities(&mode));
    return Napi::Number::New(info.Env(), mode);
  }

  Napi::Value getParams(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    needOpen(env);
    PpsParams params;
    check(env, pps_.getParams(&params));
    Napi::Object out = Napi::Object::New(env);
    out["mode"] = Napi::Number::New(env, params.mode);
    out["assertOffset"] = bigint(env, params.assertOffset);
    out["clearOffset"] = bigint(env, params.clearOffset);
    return out;
  }

  Napi::Value setParams(const Napi::CallbackInfo& info) {
    needOpen(info.Env());
    const Napi::Object in = toObject(info[0], "params");
    PpsParams params;
    params.mode = toInt(in.Get("mode"), "mode", 0, INT32_MAX);
    params.assertOffset = toInt64(in.Get("assertOffset"), "assertOffset");
    params.clearOffset = toInt64(in.Get("clearOffset"), "clearOffset");
    check(info.Env(), pps_.setParams(params));
    return info.Env().Undefined();
  }

  Napi::Value fetch(const Napi::CallbackInfo& info) {
    needOpen(info.Env());
    PpsInfo result;
    check(info.Env(), pps_.fetch(toInteger(info[0], "timeoutMs", INT32_MIN, INT32_MAX), &result));
    return toJs(info.Env(), result);
  }

  Napi::Value start(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    needOpen(env);
    if (source_ != nullptr) misuse(env, "the source is started already");
    const Napi::Function onInfo = toFunction(info[0], "onInfo");
    const Napi::Function onError = toFunction(info[1], "onError");
    auto source = std::make_shared<PpsSource>(Environment::of(env).bell());
    check(env, source->start(pps_, onInfo, onError));
    source_ = std::move(source);
    Environment::of(env).add(source_);
    return env.Undefined();
  }

  Napi::Value dropped(const Napi::CallbackInfo& info) {
    const uint64_t now = source_ == nullptr ? 0 : source_->dropped();
    return Napi::Number::New(info.Env(), static_cast<double>(dropped_ + now));
  }

  Napi::Value stop(const Napi::CallbackInfo& info) {
    if (source_ != nullptr) {
      dropped_ += source_->dropped();
      source_->shutdown();
      Environment::of(info.Env()).remove(source_.get());
      source_.reset();
    }
    return info.Env().Undefined();
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    stop(info);
    pps_.close();
    return info.Env().Undefined();
  }

  Pps pps_;
  std::shared_ptr<PpsSource> source_;
  uint64_t dropped_ = 0;
};

}  // namespace

void bindPps(Napi::Env env, Napi::Object exports) { exports["Pps"] = PpsObject::define(env); }

}  // namespace tb
