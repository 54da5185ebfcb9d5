#include "args.h"

#include <cmath>
#include <cstring>

namespace tb {

void misuse(Napi::Env env, const std::string& what) { throw Napi::TypeError::New(env, what); }

void check(Napi::Env env, const Status& status, const std::string& subject) {
  if (status.ok()) return;
  char buffer[128];
  const std::string code = errnoName(status.error);
  std::string message = code + ": " + strerror_r(status.error, buffer, sizeof buffer) + ", " + status.call;
  if (!subject.empty()) message += " '" + subject + "'";
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  error.Set("errno", Napi::Number::New(env, status.error));
  error.Set("syscall", Napi::String::New(env, status.call));
  throw error;
}

int64_t toInteger(const Napi::Value& value, const char* name, int64_t low, int64_t high) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high)) || number != std::floor(number)) {
    misuse(value.Env(), std::string(name) + " must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return static_cast<int64_t>(number);
}

int64_t toInt64(const Napi::Value& value, const char* name) {
  bool lossless = false;
  const int64_t result = value.IsBigInt() ? value.As<Napi::BigInt>().Int64Value(&lossless) : 0;
  if (!lossless) misuse(value.Env(), std::string(name) + " must be a bigint of 64 bits");
  return result;
}

bool toBoolean(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) misuse(value.Env(), std::string(name) + " must be a boolean");
  return value.As<Napi::Boolean>().Value();
}

std::string toText(const Napi::Value& value, const char* name) {
  std::string text = value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string(1, '\0');
  if (text.find('\0') != std::string::npos) misuse(value.Env(), std::string(name) + " must be a string without NUL");
  return text;
}

Napi::Function toFunction(const Napi::Value& value, const char* name) {
  if (!value.IsFunction()) misuse(value.Env(), std::string(name) + " must be a function");
  return value.As<Napi::Function>();
}

Napi::Object toObject(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) misuse(value.Env(), std::string(name) + " must be an object");
  return value.As<Napi::Object>();
}

}  // namespace tb
