#include "../sys/ethtool.h"
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

Napi::Value toJs(Napi::Env env, const StampProvider& provider) {
  Napi::Object out = Napi::Object::New(env);
  out["phcIndex"] = Napi::Number::New(env, provider.phcIndex);
  out["qualifier"] = Napi::Number::New(env, provider.qualifier);
  out["source"] = Napi::Number::New(env, provider.source);
  out["phyIndex"] = Napi::Number::New(env, provider.phyIndex);
  out["flags"] = Napi::Number::New(env, provider.flags);
  out["txTypes"] = Napi::Number::New(env, provider.txTypes);
  out["rxFilters"] = Napi::Number::New(env, provider.rxFilters);
  out["inForce"] = Napi::Boolean::New(env, provider.inForce);
  return out;
}

Napi::Value listStampProviders(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = toText(info[0], "interfaceName");
  std::vector<StampProvider> all;
  check(env, stampProviders(name, &all), name);
  Napi::Array out = Napi::Array::New(env, all.size());
  for (size_t i = 0; i < all.size(); i++) out[static_cast<uint32_t>(i)] = toJs(env, all[i]);
  return out;
}

Napi::Value putStampProvider(const Napi::CallbackInfo& info) {
  const std::string name = toText(info[0], "interfaceName");
  const int phcIndex = toInt(info[1], "phcIndex", 0, INT32_MAX);
  const int qualifier = toInt(info[2], "qualifier", 0, INT32_MAX);
  StampConfig config;
  config.txType = toInt(info[3], "txType", 0, 31);
  config.rxFilter = toInt(info[4], "rxFilter", 0, 31);
  check(info.Env(), setStampProvider(name, phcIndex, qualifier, &config), name);
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
  exports["stampProviders"] = Napi::Function::New(env, listStampProviders, "stampProviders");
  exports["setStampProvider"] = Napi::Function::New(env, putStampProvider, "setStampProvider");
  exports["linkInfo"] = Napi::Function::New(env, linkInfo, "linkInfo");
  exports["interfaces"] = Napi::Function::New(env, listInterfaces, "interfaces");
}

}  // namespace tb
