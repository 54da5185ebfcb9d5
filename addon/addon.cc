#include "bind/bind.h"
#include "bind/environment.h"

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  tb::Environment::install(env);
  tb::bindClock(env, exports);
  tb::bindPps(env, exports);
  tb::bindNic(env, exports);
  tb::bindPhc(env, exports);
  tb::bindShm(env, exports);
  tb::bindRtc(env, exports);
  tb::bindSyslog(env, exports);
  tb::bindArrivals(env, exports);
  tb::bindDatagram(env, exports);
  tb::bindUdpSet(env, exports);
  tb::bindUdpClients(env, exports);
  tb::bindProcess(env, exports);
  return exports;
}

NODE_API_MODULE(timeball, init)
