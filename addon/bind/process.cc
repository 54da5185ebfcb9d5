// What concerns the process and the machine rather than one device.
#include <memory>

#include "../sys/caps.h"
#include "../sys/notify.h"
#include "../sys/pty.h"
#include "../sys/sched.h"
#include "args.h"
#include "bind.h"

namespace tb {
namespace {

Napi::Value notify(const Napi::CallbackInfo& info) {
  bool sent = false;
  check(info.Env(), sdNotify(toText(info[0], "state"), &sent));
  return Napi::Boolean::New(info.Env(), sent);
}

Napi::Value effective(const Napi::CallbackInfo& info) {
  std::vector<std::string> names;
  check(info.Env(), effectiveCapabilities(&names));
  Napi::Array out = Napi::Array::New(info.Env(), names.size());
  for (size_t i = 0; i < names.size(); i++) out[static_cast<uint32_t>(i)] = Napi::String::New(info.Env(), names[i]);
  return out;
}

uint64_t toMask(const Napi::Value& value) {
  if (!value.IsArray()) misuse(value.Env(), "keep must be an array");
  const auto array = value.As<Napi::Array>();
  uint64_t mask = 0;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const std::string name = toText(array.Get(i), "keep");
    const int bit = capabilityBit(name);
    if (bit < 0) misuse(value.Env(), "no capability is named '" + name + "'");
    mask |= UINT64_C(1) << bit;
  }
  return mask;
}

Napi::Value drop(const Napi::CallbackInfo& info) {
  constexpr int64_t MAX_ID = UINT32_MAX - INT64_C(1);  // the last one means "leave it"
  const auto uid = static_cast<uid_t>(toInteger(info[0], "uid", 0, MAX_ID));
  const auto gid = static_cast<gid_t>(toInteger(info[1], "gid", 0, MAX_ID));
  check(info.Env(), dropTo(uid, gid, toMask(info[2])));
  return info.Env().Undefined();
}

Napi::Value lock(const Napi::CallbackInfo& info) {
  check(info.Env(), lockMemory());
  return info.Env().Undefined();
}

Napi::Value returnFreed(const Napi::CallbackInfo& info) {
  returnFreedMemory();
  return info.Env().Undefined();
}

Napi::Value fifo(const Napi::CallbackInfo& info) {
  check(info.Env(), scheduleFifo(toInt(info[0], "priority", 1, 99)));
  return info.Env().Undefined();
}

Napi::Value pty(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Fd master;
  std::string slave;
  check(env, openPty(toInt(info[0], "baud", 1, 4000000), &master, &slave));
  Napi::Object out = Napi::Object::New(env);
  out["slavePath"] = Napi::String::New(env, slave);
  out["masterFd"] = Napi::Number::New(env, master.release());
  return out;
}

Napi::Value latency(const Napi::CallbackInfo& info) {
  auto held = std::make_shared<Fd>();
  check(info.Env(), holdCpuLatency(held.get()), "/dev/cpu_dma_latency");
  const auto release = [held](const Napi::CallbackInfo& call) {
    held->reset();
    return call.Env().Undefined();
  };
  return Napi::Function::New(info.Env(), release, "release");
}

}  // namespace

void bindProcess(Napi::Env env, Napi::Object exports) {
  Napi::Object capabilities = Napi::Object::New(env);
  capabilities["effective"] = Napi::Function::New(env, effective, "effective");
  capabilities["dropTo"] = Napi::Function::New(env, drop, "dropTo");
  exports["capabilities"] = capabilities;
  exports["sdNotify"] = Napi::Function::New(env, notify, "sdNotify");
  exports["lockMemory"] = Napi::Function::New(env, lock, "lockMemory");
  exports["returnFreedMemory"] = Napi::Function::New(env, returnFreed, "returnFreedMemory");
  exports["scheduleFifo"] = Napi::Function::New(env, fifo, "scheduleFifo");
  exports["openPty"] = Napi::Function::New(env, pty, "openPty");
  exports["holdCpuLatency"] = Napi::Function::New(env, latency, "holdCpuLatency");
}

}  // namespace tb
