// The parts of the surface; each adds its names to the exports.
#pragma once

#include <napi.h>

namespace tb {

void bindClock(Napi::Env env, Napi::Object exports);
void bindPps(Napi::Env env, Napi::Object exports);
void bindNic(Napi::Env env, Napi::Object exports);
void bindPhc(Napi::Env env, Napi::Object exports);
void bindShm(Napi::Env env, Napi::Object exports);
void bindRtc(Napi::Env env, Napi::Object exports);
void bindSyslog(Napi::Env env, Napi::Object exports);
void bindArrivals(Napi::Env env, Napi::Object exports);
void bindDatagram(Napi::Env env, Napi::Object exports);
void bindUdpSet(Napi::Env env, Napi::Object exports);
void bindUdpClients(Napi::Env env, Napi::Object exports);
void bindProcess(Napi::Env env, Napi::Object exports);

}  // namespace tb
