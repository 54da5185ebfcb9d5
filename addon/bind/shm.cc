#include "../sys/shm.h"

#include "args.h"
#include "bind.h"

namespace tb {
namespace {

class ShmObject : public Napi::ObjectWrap<ShmObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Shm",
                       {
                           InstanceMethod<&ShmObject::read>("read"),
                           InstanceMethod<&ShmObject::write>("write"),
                           InstanceMethod<&ShmObject::remove>("remove"),
                           InstanceMethod<&ShmObject::close>("close"),
                       });
  }

  explicit ShmObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ShmObject>(info) {
    const Napi::Env env = info.Env();
    const int unit = toInt(info[0], "unit", 0, 255);
    const int perm = toInt(info[1], "perm", 0, 0777);
    check(env, shm_.attach(unit, perm, toBoolean(info[2], "create")), "NTP" + std::to_string(unit));
    Napi::Object self = info.This().As<Napi::Object>();
    self["size"] = Napi::Number::New(env, static_cast<double>(shm_.size()));
    self["uid"] = Napi::Number::New(env, shm_.uid());
    self["mode"] = Napi::Number::New(env, shm_.mode());
  }

 private:
  void needOpen(Napi::Env env) const {
    if (!shm_.attached()) misuse(env, "the segment is closed");
  }

  Napi::Value read(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    needOpen(env);
    ShmRead verdict = ShmRead::none;
    ShmSample sample;
    check(env, shm_.read(toBoolean(info[0], "consume"), &verdict, &sample));
    switch (verdict) {
      case ShmRead::none:
        return env.Undefined();
      case ShmRead::clash:
        return Napi::String::New(env, "clash");
      case ShmRead::mode:
        return Napi::String::New(env, "mode");
      case ShmRead::range:
        return Napi::String::New(env, "range");
      case ShmRead::sample:
        break;
    }
    Napi::Object out = Napi::Object::New(env);
    out["mode"] = Napi::Number::New(env, sample.mode);
    out["clockTime"] = bigint(env, sample.clock);
    out["receiveTime"] = bigint(env, sample.receive);
    out["leap"] = Napi::Number::New(env, sample.leap);
    out["precision"] = Napi::Number::New(env, sample.precision);
    return out;
  }

  Napi::Value write(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    needOpen(env);
    const Napi::Object in = toObject(info[0], "sample");
    ShmSample sample;
    sample.clock = toInt64(in.Get("clockTime"), "clockTime");
    sample.receive = toInt64(in.Get("receiveTime"), "receiveTime");
    sample.leap = toInt(in.Get("leap"), "leap", INT32_MIN, INT32_MAX);
    sample.precision = toInt(in.Get("precision"), "precision", INT32_MIN, INT32_MAX);
    if (sample.clock < 0 || sample.receive < 0) misuse(env, "a segment holds no time before 1970");
    check(env, shm_.write(sample));
    return env.Undefined();
  }

  Napi::Value remove(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    needOpen(env);
    check(env, shm_.remove());
    return env.Undefined();
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    shm_.detach();
    return info.Env().Undefined();
  }

  Shm shm_;
};

}  // namespace

void bindShm(Napi::Env env, Napi::Object exports) { exports["Shm"] = ShmObject::define(env); }

}  // namespace tb
