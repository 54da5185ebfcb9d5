#include "../sys/nic.h"

#include "args.h"
#include "bind.h"

namespace tb {
namespace {

Napi::Value interfaceInfo(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = toText(info[0], "interfaceName");
  TsInfo facts;
  check(env, tsInfo(name, &facts), name);
  Napi::Object out = Napi::Object::New(env);
  out["flags"] = Napi::Number::New(env, facts.flags);
  out["phcIndex"] = Napi::Number::New(env, facts.phcIndex);
  out["txTypes"] = Napi::Number::New(env, facts.txTypes);
  out["rxFilters"] = Napi::Number::New(env, facts.rxFilters);
  return out;
}

Napi::Value toJs(Napi::Env env, const StampConfig& config) {
  Napi::Object out = Napi::Object::New(env);
  out["txType"] = Napi::Number::New(env, config.txType);
  out["rxFilter"] = Napi::Number::New(env, config.rxFilter);
  return out;
}

Napi::Value getStampConfig(const Napi::CallbackInfo& info) {
  const std::string name = toText(info[0], "interfaceName");
  StampConfig config;
  check(info.Env(), stampConfig(name, &config), name);
  return toJs(info.Env(), config);
}

Napi::Value putStampConfig(const Napi::CallbackInfo& info) {
  const std::string name = toText(info[0], "interfaceName");
  StampConfig config;
  config.txType = toInt(info[1], "txType", 0, 31);
  config.rxFilter = toInt(info[2], "rxFilter", 0, 31);
  check(info.Env(), setStampConfig(name, &config), name);
  return toJs(info.Env(), config);
}

Napi::Value linkInfo(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = toText(info[0], "interfaceName");
  Link facts;
  check(env, link(name, &facts), name);
  Napi::Object out = Napi::Object::New(env);
  out["index"] = Napi::Number::New(env, facts.index);
  out["up"] = Napi::Boolean::New(env, facts.up);
  out["running"] = Napi::Boolean::New(env, facts.running);
  out["speedMbps"] = Napi::Number::New(env, facts.speed);
  return out;
}

Napi::Value listInterfaces(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<Interface> all;
  check(env, interfaces(&all));
  Napi::Array out = Napi::Array::New(env, all.size());
  for (size_t i = 0; i < all.size(); i++) {
    Napi::Object one = Napi::Object::New(env);
    one["index"] = Napi::Number::New(env, all[i].index);
    one["name"] = Napi::String::New(env, all[i].name);
    out[static_cast<uint32_t>(i)] = one;
  }
  return out;
}

}  // namespace

void bindNic(Napi::Env env, Napi::Object exports) {
  exports["tsInfo"] = Napi::Function::New(env, interfaceInfo, "tsInfo");
  exports["stampConfig"] = Napi::Function::New(env, getStampConfig, "stampConfig");
  exports["setStampConfig"] = Napi::Function::New(env, putStampConfig, "setStampConfig");
  exports["linkInfo"] = Napi::Function::New(env, linkInfo, "linkInfo");
  exports["interfaces"] = Napi::Function::New(env, listInterfaces, "interfaces");
}

}  // namespace tb
