#include <cstring>

#include "../sys/udpclient.h"
#include "args.h"
#include "bind.h"
#include "environment.h"

namespace tb {
namespace {

constexpr size_t QUEUE = 4096;

int64_t nanoseconds(const timespec& t) { return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec; }

/// Undefined where no card has stamped.
Napi::Value toJs(Napi::Env env, const HardwareStamp& stamp) {
  if (!stamp.isSet()) return env.Undefined();
  Napi::Object out = Napi::Object::New(env);
  out["time"] = bigint(env, nanoseconds(stamp.time));
  out["interface"] = Napi::Number::New(env, stamp.interface);
  out["length"] = Napi::Number::New(env, stamp.length);
  return out;
}

class ClientsSource : public Source {
 public:
  explicit ClientsSource(std::shared_ptr<Bell> bell) : queue_(QUEUE, std::move(bell)) {}
  ~ClientsSource() override { clients.close(); }  // the thread must not outlive the queue

  Status start(Napi::Function onSent, Napi::Function onReply) {
    onSent_ = Napi::Persistent(onSent);
    onReply_ = Napi::Persistent(onReply);
    return clients.start([this](ClientEvent&& e) { queue_.push(std::move(e)); });
  }
  void deliver(Napi::Env env) override {
    ClientEvent e;
    for (size_t n = 0; n < QUEUE; n++) {
      if (onSent_.IsEmpty() || !queue_.pop(&e)) return;
      const Napi::HandleScope scope(env);
      const Napi::Value id = Napi::Number::New(env, e.id);
      const Napi::Value time = bigint(env, nanoseconds(e.stamp));
      const Napi::Value kernel = Napi::Boolean::New(env, e.kernel);
      const Napi::Value hardware = toJs(env, e.hardware);
      if (e.kind == ClientEvent::SENT) {
        invoke(env, onSent_, {id, time, hardware, Napi::Number::New(env, e.hardware.interface)});
        continue;
      }
      Napi::Uint8Array bytes = Napi::Uint8Array::New(env, e.bytes.size());
      if (!e.bytes.empty()) memcpy(bytes.Data(), e.bytes.data(), e.bytes.size());
      invoke(env, onReply_, {id, bytes, time, kernel, hardware});
    }
    queue_.again();
  }
  void shutdown() override {
    clients.close();
    onSent_.Reset();
    onReply_.Reset();
  }

  UdpClients clients;

 private:
  Napi::FunctionReference onSent_;
  Napi::FunctionReference onReply_;
  Queue<ClientEvent> queue_;
};

class ClientsObject : public Napi::ObjectWrap<ClientsObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "UdpClients",
                       {
                           InstanceMethod<&ClientsObject::request>("request"),
                           InstanceMethod<&ClientsObject::forget>("forget"),
                           InstanceMethod<&ClientsObject::close>("close"),
                       });
  }

  explicit ClientsObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ClientsObject>(info) {
    const Napi::Env env = info.Env();
    const Napi::Function onSent = toFunction(info[0], "onSent");
    const Napi::Function onReply = toFunction(info[1], "onReply");
    auto source = std::make_shared<ClientsSource>(Environment::of(env).bell());
    check(env, source->start(onSent, onReply));
    Environment::of(env).add(source);
    source_ = std::move(source);
  }

 private:
  ClientsSource& opened(Napi::Env env) {
    if (source_ == nullptr) misuse(env, "the clients are closed");
    return *source_;
  }

  Napi::Value request(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    ClientsSource& source = opened(env);
    if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) misuse(env, "bytes must be a Uint8Array");
    const auto bytes = info[0].As<Napi::Uint8Array>();
    const Napi::Object o = toObject(info[1], "options");
    const auto text = [&o](const char* name) {
      const Napi::Value v = o.Get(name);
      return v.IsUndefined() ? std::string() : toText(v, name);
    };
    const auto number = [&o](const char* name, int high) {
      const Napi::Value v = o.Get(name);
      return v.IsUndefined() ? 0 : toInt(v, name, 0, high);
    };
    ClientRequest to;
    to.address = toText(o.Get("address"), "address");
    to.port = static_cast<uint16_t>(toInt(o.Get("port"), "port", 1, 65535));
    to.localAddress = text("localAddress");
    to.localPort = static_cast<uint16_t>(number("localPort", 65535));
    to.device = text("device");
    to.dscp = number("dscp", 63);
    const Napi::Value warm = o.Get("warm");
    to.warm = !warm.IsUndefined() && toBoolean(warm, "warm");
    const Napi::Value hardware = o.Get("hardware");
    to.hardware = !hardware.IsUndefined() && toBoolean(hardware, "hardware");
    uint32_t id = 0;
    timespec stamp = {};
    std::string local;
    check(env, source.clients.request(to, bytes.Data(), bytes.ByteLength(), &id, &stamp, &local), to.address);
    Napi::Object sent = Napi::Object::New(env);
    sent["id"] = Napi::Number::New(env, id);
    sent["time"] = bigint(env, nanoseconds(stamp));
    sent["local"] = Napi::String::New(env, local);
    return sent;
  }

  Napi::Value forget(const Napi::CallbackInfo& info) {
    ClientsSource& source = opened(info.Env());
    source.clients.forget(static_cast<uint32_t>(toInteger(info[0], "id", 0, 0xffffffff)));
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

  std::shared_ptr<ClientsSource> source_;
};

}  // namespace

void bindUdpClients(Napi::Env env, Napi::Object exports) { exports["UdpClients"] = ClientsObject::define(env); }

}  // namespace tb
