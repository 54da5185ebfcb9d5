#include "../sys/syslog.h"

#include "args.h"
#include "bind.h"

namespace tb {
namespace {

class SyslogObject : public Napi::ObjectWrap<SyslogObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Syslog",
                       {
                           InstanceMethod<&SyslogObject::write>("write"),
                           InstanceMethod<&SyslogObject::close>("close"),
                       });
  }

  explicit SyslogObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SyslogObject>(info) {
    const std::string path = toText(info[0], "path");
    const std::string ident = toText(info[1], "ident");
    check(info.Env(), syslog_.open(path, ident), path);
  }

 private:
  Napi::Value write(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!syslog_.opened()) misuse(env, "the log is closed");
    const int priority = toInt(info[0], "priority", 0, 7);
    return Napi::Boolean::New(env, syslog_.write(priority, toText(info[1], "text")).ok());
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    syslog_.close();
    return info.Env().Undefined();
  }

  Syslog syslog_;
};

}  // namespace

void bindSyslog(Napi::Env env, Napi::Object exports) { exports["Syslog"] = SyslogObject::define(env); }

}  // namespace tb
