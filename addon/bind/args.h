// Argument checks and errors: misuse is a TypeError, a failed system call an Error with code, errno and syscall.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

#include "../sys/status.h"

namespace tb {

[[noreturn]] void misuse(Napi::Env env, const std::string& what);
/// Throws unless `status` is ok; `subject` (a path, a name) goes into the message.
void check(Napi::Env env, const Status& status, const std::string& subject = "");

int64_t toInteger(const Napi::Value& value, const char* name, int64_t low, int64_t high);
/// A bigint that fits 64 bits, signed.
int64_t toInt64(const Napi::Value& value, const char* name);
bool toBoolean(const Napi::Value& value, const char* name);
/// Without NUL: the kernel would see only what lies before it.
std::string toText(const Napi::Value& value, const char* name);
Napi::Function toFunction(const Napi::Value& value, const char* name);
Napi::Object toObject(const Napi::Value& value, const char* name);

inline int toInt(const Napi::Value& value, const char* name, int low, int high) {
  return static_cast<int>(toInteger(value, name, low, high));
}
inline Napi::BigInt bigint(Napi::Env env, int64_t value) { return Napi::BigInt::New(env, value); }

}  // namespace tb
