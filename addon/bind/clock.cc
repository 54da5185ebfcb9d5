#include <cstring>
#include <limits>

#include "../sys/timex.h"
#include "args.h"
#include "bind.h"

namespace tb {
namespace {

struct ClockName {
  const char* name;
  clockid_t id;
};
constexpr ClockName CLOCKS[] = {
    {"realtime", CLOCK_REALTIME}, {"monotonic", CLOCK_MONOTONIC}, {"monotonic_raw", CLOCK_MONOTONIC_RAW},
    {"boottime", CLOCK_BOOTTIME}, {"tai", CLOCK_TAI},
};

clockid_t toClock(const Napi::Value& value) {
  if (value.IsNumber()) return toInt(value, "clock", INT32_MIN, INT32_MAX);
  const std::string name = toText(value, "clock");
  for (const ClockName& c : CLOCKS) {
    if (name == c.name) return c.id;
  }
  misuse(value.Env(), "no clock is named '" + name + "'");
}

Napi::Value gettime(const Napi::CallbackInfo& info) {
  int64_t ns = 0;
  check(info.Env(), clockRead(toClock(info[0]), &ns));
  return bigint(info.Env(), ns);
}

Napi::Value pair(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int64_t time = 0;
  int64_t monotonic = 0;
  check(env, clockPair(toClock(info[0]), &time, &monotonic));
  Napi::Object out = Napi::Object::New(env);
  out["time"] = bigint(env, time);
  out["monotonic"] = bigint(env, monotonic);
  return out;
}

Napi::Value getres(const Napi::CallbackInfo& info) {
  int64_t ns = 0;
  check(info.Env(), clockResolution(toClock(info[0]), &ns));
  return bigint(info.Env(), ns);
}

Napi::Value precision(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(clockPrecision()));
}

/// Sets a field from the property `name` if `modes` says that the kernel will read it; then it must be there.
template <typename T>
void take(const Napi::Object& in, unsigned modes, unsigned mask, const char* name, T* field) {
  if ((modes & mask) == 0) return;
  const int64_t value = toInt64(in.Get(name), name);
  if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) misuse(in.Env(), std::string(name) + " is out of range");
  *field = static_cast<T>(value);
}

struct timex fromObject(const Napi::Object& in) {
  struct timex tx;
  memset(&tx, 0, sizeof tx);
  const auto modes = static_cast<unsigned>(toInteger(in.Get("modes"), "modes", 0, UINT32_MAX));
  tx.modes = modes;
  take(in, modes, ADJ_OFFSET, "offset", &tx.offset);
  take(in, modes, ADJ_FREQUENCY, "freq", &tx.freq);
  take(in, modes, ADJ_MAXERROR, "maxerror", &tx.maxerror);
  take(in, modes, ADJ_ESTERROR, "esterror", &tx.esterror);
  take(in, modes, ADJ_TIMECONST | ADJ_TAI, "constant", &tx.constant);
  take(in, modes, ADJ_TICK, "tick", &tx.tick);
  take(in, modes, ADJ_SETOFFSET, "timeSec", &tx.time.tv_sec);
  take(in, modes, ADJ_SETOFFSET, "timeUsec", &tx.time.tv_usec);
  if ((modes & ADJ_STATUS) != 0) tx.status = toInt(in.Get("status"), "status", 0, 0xffff);
  return tx;
}

Napi::Object toJs(Napi::Env env, const struct timex& tx, int state, int64_t at) {
  Napi::Object out = Napi::Object::New(env);
  out["modes"] = Napi::Number::New(env, tx.modes);
  out["offset"] = bigint(env, tx.offset);
  out["freq"] = bigint(env, tx.freq);
  out["maxerror"] = bigint(env, tx.maxerror);
  out["esterror"] = bigint(env, tx.esterror);
  out["status"] = Napi::Number::New(env, tx.status);
  out["constant"] = bigint(env, tx.constant);
  out["precision"] = bigint(env, tx.precision);
  out["tolerance"] = bigint(env, tx.tolerance);
  out["timeSec"] = bigint(env, tx.time.tv_sec);
  out["timeUsec"] = bigint(env, tx.time.tv_usec);
  out["tick"] = bigint(env, tx.tick);
  out["tai"] = Napi::Number::New(env, tx.tai);
  out["state"] = Napi::Number::New(env, state);
  out["at"] = bigint(env, at);
  return out;
}

Napi::Value adjtime(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const clockid_t clock = toInt(info[0], "clockId", INT32_MIN, INT32_MAX);
  struct timex tx = fromObject(toObject(info[1], "timex"));
  int state = 0;
  int64_t at = 0;
  check(env, clockAdjust(clock, &tx, &state, &at));
  return toJs(env, tx, state, at);
}

}  // namespace

void bindClock(Napi::Env env, Napi::Object exports) {
  exports["clockGettime"] = Napi::Function::New(env, gettime, "clockGettime");
  exports["clockPair"] = Napi::Function::New(env, pair, "clockPair");
  exports["clockGetres"] = Napi::Function::New(env, getres, "clockGetres");
  exports["clockPrecision"] = Napi::Function::New(env, precision, "clockPrecision");
  exports["clockAdjtime"] = Napi::Function::New(env, adjtime, "clockAdjtime");
}

}  // namespace tb
