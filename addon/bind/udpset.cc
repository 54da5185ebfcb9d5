#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

#include "../sys/udp.h"
#include "args.h"
#include "bind.h"

namespace tb {
namespace {

template <typename T, typename Convert>
void optional(const Napi::Object& o, const char* name, T* field, Convert convert) {
  const Napi::Value value = o.Get(name);
  if (!value.IsUndefined()) *field = convert(value, name);
}

auto integer(int64_t low, int64_t high) {
  return [low, high](const Napi::Value& v, const char* name) { return toInteger(v, name, low, high); };
}

std::vector<int> toDescriptors(const Napi::Value& value) {
  std::vector<int> out;
  if (value.IsUndefined()) return out;
  if (!value.IsArray()) misuse(value.Env(), "inherited must be an array");
  const auto array = value.As<Napi::Array>();
  if (array.Length() > MAX_SOCKETS) misuse(value.Env(), "a set has 1 to 64 sockets");
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(toInt(array.Get(i), "inherited", 0, INT32_MAX));
  return out;
}

UdpOptions toOptions(const Napi::Value& value) {
  const Napi::Object o = toObject(value, "socket");
  UdpOptions out;
  const int family = toInt(o.Get("family"), "family", 4, 6);
  if (family == 5) misuse(value.Env(), "family must be 4 or 6");
  out.family = family == 4 ? AF_INET : AF_INET6;
  out.address = toText(o.Get("address"), "address");
  out.port = static_cast<uint16_t>(toInt(o.Get("port"), "port", 0, 65535));
  int64_t dscp = 0;
  int64_t buffer = 0;
  int64_t stamping = 0;
  optional(o, "device", &out.device, toText);
  optional(o, "reusePort", &out.reusePort, toBoolean);
  optional(o, "reuseAddress", &out.reuseAddress, toBoolean);
  optional(o, "perAddress", &out.perAddress, toBoolean);
  optional(o, "freeBind", &out.freeBind, toBoolean);
  optional(o, "dscp", &dscp, integer(0, 63));
  optional(o, "receiveBufferBytes", &buffer, integer(0, INT32_MAX / 2));
  int64_t steerTo = 0;
  int64_t steerSeed = 0;
  optional(o, "timestamping", &stamping, integer(0, INT32_MAX));
  optional(o, "steerTo", &steerTo, integer(0, 64));
  optional(o, "steerSeed", &steerSeed, integer(0, UINT32_MAX));
  out.steerTo = static_cast<uint32_t>(steerTo);
  out.steerSeed = static_cast<uint32_t>(steerSeed);
  out.dscp = static_cast<int>(dscp);
  out.receiveBufferBytes = static_cast<int>(buffer);
  out.timestamping = static_cast<uint32_t>(stamping);
  out.inherited = toDescriptors(o.Get("inherited"));
  return out;
}

std::vector<UdpOptions> toList(const Napi::Value& value) {
  if (!value.IsArray()) misuse(value.Env(), "sockets must be an array");
  const auto array = value.As<Napi::Array>();
  if (array.Length() == 0 || array.Length() > MAX_SOCKETS) misuse(value.Env(), "a set has 1 to 64 sockets");
  std::vector<UdpOptions> out;
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(toOptions(array.Get(i)));
  return out;
}

std::vector<MacKey> toMacKeys(const Napi::Value& value) {
  if (!value.IsArray()) misuse(value.Env(), "keys must be an array");
  const auto array = value.As<Napi::Array>();
  std::vector<MacKey> out(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Object o = toObject(array.Get(i), "key");
    const Napi::Value secret = o.Get("secret");
    if (!secret.IsTypedArray()) misuse(value.Env(), "secret must be bytes");
    const auto bytes = secret.As<Napi::Uint8Array>();
    const auto id = static_cast<uint32_t>(toInteger(o.Get("id"), "id", 1, UINT32_MAX));
    if (!out[i].init(id, toText(o.Get("type"), "type"), bytes.Data(), bytes.ByteLength())) {
      misuse(value.Env(), "key type or length not supported");
    }
  }
  return out;
}

/// ntpMac(type, secret, bytes): for requests, and for tests of the primitives.
Napi::Value ntpMac(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[1].IsTypedArray() || !info[2].IsTypedArray()) misuse(env, "secret and message must be bytes");
  const auto secret = info[1].As<Napi::Uint8Array>();
  const auto message = info[2].As<Napi::Uint8Array>();
  MacKey key;
  if (!key.init(1, toText(info[0], "type"), secret.Data(), secret.ByteLength())) misuse(env, "key type or length not supported");
  uint8_t digest[MacKey::MAX_DIGEST];
  if (!key.compute(message.Data(), message.ByteLength(), digest)) misuse(env, "the digest is not available");
  Napi::Uint8Array out = Napi::Uint8Array::New(env, key.digestBytes());
  memcpy(out.Data(), digest, key.digestBytes());
  return out;
}

class UdpSetObject : public Napi::ObjectWrap<UdpSetObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "UdpSet",
                       {
                           InstanceMethod<&UdpSetObject::receive>("receive"),
                           InstanceMethod<&UdpSetObject::send>("send"),
                           InstanceMethod<&UdpSetObject::drainTxStamps>("drainTxStamps"),
                           InstanceMethod<&UdpSetObject::overflows>("overflows"),
                           InstanceMethod<&UdpSetObject::setKeys>("setKeys"),
                           InstanceMethod<&UdpSetObject::verify>("verify"),
                           InstanceMethod<&UdpSetObject::close>("close"),
                       });
  }

  explicit UdpSetObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<UdpSetObject>(info) {
    const Napi::Env env = info.Env();
    check(env, set_.open(toList(info[0])));
    if (!info[1].IsUndefined()) watch(info[1]);
    slab_ = buffer(env, slab::BYTES);
    stamps_ = buffer(env, slab::TXSTAMP_BYTES);
    Napi::Object self = info.This().As<Napi::Object>();
    self["slab"] = slab_.Value();
    self["txStamps"] = stamps_.Value();
    self["wakeFd"] = Napi::Number::New(env, set_.wakeFd());
    describe(env, self);
  }

 private:
  static Napi::ObjectReference buffer(Napi::Env env, size_t bytes) {
    Napi::ArrayBuffer made = Napi::ArrayBuffer::New(env, bytes);
    memset(made.Data(), 0, bytes);
    return Napi::Persistent(made.As<Napi::Object>());
  }

  void describe(Napi::Env env, Napi::Object self) const {
    Napi::Array ports = Napi::Array::New(env);
    Napi::Array granted = Napi::Array::New(env);
    for (size_t i = 0; i < set_.asked(); i++) {
      const UdpSocket& s = set_.sockets()[i];
      Napi::Object facts = Napi::Object::New(env);
      facts["timestamping"] = Napi::Number::New(env, s.timestamping);
      facts["receiveBufferBytes"] = Napi::Number::New(env, s.receiveBufferBytes);
      const uint32_t at = ports.Length();
      ports[at] = Napi::Number::New(env, s.port);
      granted[at] = facts;
    }
    self["ports"] = ports;
    self["granted"] = granted;
  }

  void needOpen(Napi::Env env) const {
    if (!set_.opened()) misuse(env, "the set is closed");
  }

  /// Looked up at every call: a buffer that was transferred to another thread is no longer ours to write into.
  static uint8_t* bytesOf(Napi::Env env, const Napi::ObjectReference& reference, size_t bytes) {
    Napi::ArrayBuffer buffer = reference.Value().As<Napi::ArrayBuffer>();
    if (buffer.ByteLength() != bytes) misuse(env, "the slab was transferred away");
    return static_cast<uint8_t*>(buffer.Data());
  }
  uint8_t* slabBytes(Napi::Env env) const { return bytesOf(env, slab_, slab::BYTES); }
  uint32_t* stampWords(Napi::Env env) const {
    return reinterpret_cast<uint32_t*>(bytesOf(env, stamps_, slab::TXSTAMP_BYTES));
  }

  Napi::Value receive(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    needOpen(env);
    const int timeout = toInt(info[0], "timeoutMs", INT32_MIN, INT32_MAX);
    return Napi::Number::New(env, set_.receive(slabBytes(env), stampWords(env), timeout));
  }

  Napi::Value send(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    needOpen(env);
    const int count = toInt(info[0], "count", 0, static_cast<int>(slab::SLOTS));
    return Napi::Number::New(env, set_.send(slabBytes(env), stampWords(env), static_cast<size_t>(count)));
  }

  Napi::Value drainTxStamps(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    needOpen(env);
    return Napi::Number::New(env, static_cast<double>(set_.drainTxStamps(stampWords(env))));
  }

  Napi::Value overflows(const Napi::CallbackInfo& info) {
    needOpen(info.Env());
    return Napi::Number::New(info.Env(), static_cast<double>(set_.overflows()));
  }

  /// One word of shared memory; it is held for as long as the set is.
  void watch(const Napi::Value& value) {
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array ||
        value.As<Napi::TypedArray>().ElementLength() < 1) {
      misuse(value.Env(), "guard must be an Int32Array");
    }
    guard_ = Napi::Persistent(value.As<Napi::Object>());
    set_.watch(value.As<Napi::Int32Array>().Data());
  }

  Napi::Value setKeys(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    set_.keys().replace(toMacKeys(info[0]));
    return env.Undefined();
  }

  Napi::Value verify(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto slot = static_cast<size_t>(toInt(info[0], "slot", 0, static_cast<int>(slab::SLOTS) - 1));
    const auto key = static_cast<size_t>(toInt(info[1], "key", 0, INT32_MAX));
    const auto at = static_cast<size_t>(toInt(info[2], "macAt", 0, static_cast<int>(slab::MAX_PACKET)));
    const auto bytes = static_cast<size_t>(toInt(info[3], "macBytes", 0, static_cast<int>(slab::MAX_PACKET - at)));
    const uint8_t* packet = slabBytes(env) + slot * slab::SLOT_BYTES + slab::DATA;
    return Napi::Boolean::New(env, set_.keys().verify(key, packet, at, bytes));
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    set_.close();
    return info.Env().Undefined();
  }

  UdpSet set_;
  Napi::ObjectReference guard_;
  Napi::ObjectReference slab_;
  Napi::ObjectReference stamps_;
};

Napi::Value wake(const Napi::CallbackInfo& info) {
  check(info.Env(), ringEvent(toInt(info[0], "fd", 0, INT32_MAX)));
  return info.Env().Undefined();
}

/// Only whole huge pages inside the memory are meant; a kernel that has none to give gives ordinary ones.
Napi::Value preferHugePages(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    misuse(env, "memory must be an Int32Array");
  }
  const auto words = info[0].As<Napi::Int32Array>();
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(words.Data());
  const uintptr_t first = (begin + page - 1) & ~(page - 1);
  const uintptr_t last = (begin + words.ByteLength()) & ~(page - 1);
  if (last > first) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
  return env.Undefined();
}

Napi::Value layout(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto number = [env](size_t n) { return Napi::Number::New(env, static_cast<double>(n)); };
  Napi::Object meta = Napi::Object::New(env);
  for (const slab::MetaName& m : slab::META_NAMES) meta[m.name] = number(m.word);
  Napi::Object out = Napi::Object::New(env);
  out["slots"] = number(slab::SLOTS);
  out["slotBytes"] = number(slab::SLOT_BYTES);
  out["metaWords"] = number(slab::META_WORDS);
  out["meta"] = meta;
  out["txStampWords"] = number(slab::TXSTAMP_WORDS);
  out["txStampMax"] = number(slab::TXSTAMP_MAX);
  return out;
}

Napi::Value openSocket(const Napi::CallbackInfo& info) {
  UdpSocket socket;
  check(info.Env(), openUdp(toOptions(info[0]), &socket));
  return Napi::Number::New(info.Env(), socket.fd.release());
}

}  // namespace

void bindUdpSet(Napi::Env env, Napi::Object exports) {
  exports["openUdpSocket"] = Napi::Function::New(env, openSocket, "openUdpSocket");
  exports["UdpSet"] = UdpSetObject::define(env);
  exports["ntpMac"] = Napi::Function::New(env, ntpMac, "ntpMac");
  exports["wake"] = Napi::Function::New(env, wake, "wake");
  exports["preferHugePages"] = Napi::Function::New(env, preferHugePages, "preferHugePages");
  exports["slabLayout"] = Napi::Function::New(env, layout, "slabLayout");
}

}  // namespace tb
