#include <cstring>

#include "../sys/unixdgram.h"
#include "args.h"
#include "bind.h"
#include "environment.h"

namespace tb {
namespace {

constexpr size_t QUEUE = 256;

struct Item {
  int error = 0;
  DatagramMessage message;
};

class DatagramSource : public Source {
 public:
  explicit DatagramSource(std::shared_ptr<Bell> bell) : queue_(QUEUE, std::move(bell)) {}
  ~DatagramSource() override { socket.close(); }  // the thread must not outlive the queue

  Status start(Napi::Function onMessage, Napi::Function onError) {
    onMessage_ = Napi::Persistent(onMessage);
    onError_ = Napi::Persistent(onError);
    const Status status = socket.start([this](DatagramMessage&& m) { queue_.push({0, std::move(m)}); },
                                       [this](int error) { queue_.push({error, {}}); }, [this] { queue_.countDrop(); });
    if (!status.ok()) shutdown();
    return status;
  }
  void deliver(Napi::Env env) override {
    Item item;
    // One queue's worth a turn: any local program may flood this socket, and the event loop has other work.
    for (size_t n = 0; n < QUEUE; n++) {
      if (!started() || !queue_.pop(&item)) return;
      const Napi::HandleScope scope(env);
      if (item.error != 0) {
        invoke(env, onError_, {Napi::String::New(env, errnoName(item.error))});
        continue;
      }
      const DatagramMessage& m = item.message;
      Napi::Uint8Array bytes = Napi::Uint8Array::New(env, m.bytes.size());
      if (!m.bytes.empty()) memcpy(bytes.Data(), m.bytes.data(), m.bytes.size());
      const Napi::Value from = m.bound ? Napi::String::New(env, m.from).As<Napi::Value>() : env.Null();
      invoke(env, onMessage_, {bytes, from});
    }
    queue_.again();
  }
  void shutdown() override {
    socket.close();
    onMessage_.Reset();
    onError_.Reset();
  }
  bool started() const { return !onMessage_.IsEmpty(); }
  uint64_t dropped() { return queue_.dropped(); }

  UnixDatagram socket;

 private:
  Napi::FunctionReference onMessage_;
  Napi::FunctionReference onError_;
  Queue<Item> queue_;
};

class DatagramObject : public Napi::ObjectWrap<DatagramObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Datagram",
                       {
                           InstanceMethod<&DatagramObject::start>("start"),
                           InstanceMethod<&DatagramObject::send>("send"),
                           InstanceMethod<&DatagramObject::dropped>("dropped"),
                           InstanceMethod<&DatagramObject::close>("close"),
                       });
  }

  explicit DatagramObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DatagramObject>(info) {
    const Napi::Env env = info.Env();
    const std::string path = toText(info[0], "path");
    const Napi::Object options = toObject(info[1], "options");
    const bool unlink = toBoolean(options.Get("unlink"), "unlink");
    const Napi::Value mode = options.Get("mode");
    auto source = std::make_shared<DatagramSource>(Environment::of(env).bell());
    check(env, source->socket.open(path, unlink, mode.IsUndefined() ? -1 : toInt(mode, "mode", 0, 0777)), path);
    source_ = std::move(source);
    info.This().As<Napi::Object>()["path"] = Napi::String::New(env, path);
  }

  ~DatagramObject() override {
    // Collected without close(): a started one is held by the environment and closed at its end.
    if (source_ != nullptr && !source_->started()) source_->shutdown();
  }

 private:
  DatagramSource& opened(Napi::Env env) {
    if (source_ == nullptr) misuse(env, "the socket is closed");
    return *source_;
  }

  Napi::Value start(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (opened(env).started()) misuse(env, "the socket is started already");
    const Napi::Function onMessage = toFunction(info[0], "onMessage");
    const Napi::Function onError = toFunction(info[1], "onError");
    check(env, source_->start(onMessage, onError));
    Environment::of(env).add(source_);
    return env.Undefined();
  }

  Napi::Value send(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    DatagramSource& source = opened(env);
    if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) misuse(env, "bytes must be a Uint8Array");
    const auto bytes = info[0].As<Napi::Uint8Array>();
    const std::string to = toText(info[1], "to");
    const Status sent = source.socket.send(bytes.Data(), bytes.ByteLength(), to);
    const bool gone = sent.error == EAGAIN || sent.error == ENOENT || sent.error == ECONNREFUSED || sent.error == ECONNRESET;
    if (!gone) check(env, sent, to);
    return Napi::Boolean::New(env, sent.ok());
  }

  Napi::Value dropped(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(opened(info.Env()).dropped()));
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    if (source_ != nullptr) {
      source_->shutdown();
      Environment::of(info.Env()).remove(source_.get());
      source_.reset();
    }
    return info.Env().Undefined();
  }

  std::shared_ptr<DatagramSource> source_;
};

}  // namespace

void bindDatagram(Napi::Env env, Napi::Object exports) { exports["Datagram"] = DatagramObject::define(env); }

}  // namespace tb
