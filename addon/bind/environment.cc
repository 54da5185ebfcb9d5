#include "environment.h"

#include <algorithm>

namespace tb {

void Bell::ring() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (function_ == nullptr || rung_.exchange(true)) return;
  napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
}

void Bell::shut() {
  const std::lock_guard<std::mutex> lock(mutex_);
  function_ = nullptr;
}

void Environment::install(Napi::Env env) { env.SetInstanceData(new Environment(env)); }

Environment& Environment::of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

Environment::Environment(Napi::Env env) : env_(env) {
  const Napi::String name = Napi::String::New(env, "timeball");
  napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, onBell, &function_);
  if (status == napi_ok) status = napi_unref_threadsafe_function(env, function_);
  // After the function's own hook, and hooks run last in, first out: our threads stop while the function still lives.
  if (status == napi_ok) status = napi_add_env_cleanup_hook(env, onEnd, this);
  if (status != napi_ok) throw Napi::Error::New(env);
  bell_ = std::make_shared<Bell>(function_);
}

Environment::~Environment() { end(); }

void Environment::onEnd(void* self) { static_cast<Environment*>(self)->end(); }

void Environment::end() {
  if (ended_) return;
  ended_ = true;
  bell_->shut();
  for (const auto& source : sources_) source->shutdown();
  sources_.clear();
}

void Environment::add(std::shared_ptr<Source> source) {
  sources_.push_back(std::move(source));
  if (sources_.size() == 1) napi_ref_threadsafe_function(env_, function_);
}

void Environment::remove(const Source* source) {
  const auto found = std::find_if(sources_.begin(), sources_.end(), [source](const auto& s) { return s.get() == source; });
  if (found == sources_.end()) return;
  sources_.erase(found);
  if (sources_.empty() && !ended_) napi_unref_threadsafe_function(env_, function_);
}

void Environment::onBell(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;  // the function is being torn down
  auto* self = static_cast<Environment*>(context);
  self->bell_->answered();
  try {
    const Napi::HandleScope scope(env);
    self->deliver(Napi::Env(env));
  } catch (const Napi::Error&) {
    // The isolate is being terminated: there is nobody left to tell.
  }
}

void Environment::deliver(Napi::Env env) {
  // A listener may stop its own source or another: the copy keeps them alive, and a stopped one delivers nothing.
  const std::vector<std::shared_ptr<Source>> sources = sources_;
  for (const auto& source : sources) source->deliver(env);
}

void invoke(Napi::Env env, const Napi::FunctionReference& listener, std::initializer_list<napi_value> arguments) {
  napi_value result;
  const napi_status status =
      napi_call_function(env, env.Undefined(), listener.Value(), arguments.size(), arguments.begin(), &result);
  bool pending = false;
  if (status == napi_ok || napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  napi_value error;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

}  // namespace tb
