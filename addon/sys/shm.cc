#include "shm.h"

#include <errno.h>
#include <sys/ipc.h>
#include <sys/shm.h>

namespace tb {
namespace {

constexpr key_t KEY_BASE = 0x4e545030;  // "NTP0"
constexpr int64_t NS = 1000000000;
// Seconds that still fit 64-bit nanoseconds with room to subtract (year 2255); anything above is garbage.
constexpr int64_t MAX_SEC = 9000000000;

template <typename T>
T load(const T* field) {
  return __atomic_load_n(field, __ATOMIC_RELAXED);
}
template <typename T>
void store(T* field, T value) {
  __atomic_store_n(field, value, __ATOMIC_RELAXED);
}

// Another process writes here: every field is read once, by a relaxed atomic, between two fences.
ShmSegment copy(const ShmSegment* s) {
  ShmSegment c = {};
  c.mode = load(&s->mode);
  c.clockSec = load(&s->clockSec);
  c.clockUsec = load(&s->clockUsec);
  c.receiveSec = load(&s->receiveSec);
  c.receiveUsec = load(&s->receiveUsec);
  c.leap = load(&s->leap);
  c.precision = load(&s->precision);
  c.clockNsec = load(&s->clockNsec);
  c.receiveNsec = load(&s->receiveNsec);
  return c;
}

bool sane(const ShmSegment& s) {
  const auto second = [](int64_t sec) { return sec >= 0 && sec <= MAX_SEC; };
  const auto micro = [](int32_t usec) { return usec >= 0 && usec < 1000000; };
  return second(s.clockSec) && second(s.receiveSec) && micro(s.clockUsec) && micro(s.receiveUsec) && s.leap >= 0 && s.leap <= 3;
}

// Old producers never set the nanoseconds; they count only when both pairs agree with their microseconds.
void assemble(const ShmSegment& s, ShmSample* out) {
  const bool fine = s.clockNsec / 1000 == static_cast<uint32_t>(s.clockUsec) &&
                    s.receiveNsec / 1000 == static_cast<uint32_t>(s.receiveUsec);
  const auto nsec = [fine](uint32_t ns, int32_t us) { return fine ? static_cast<int64_t>(ns) : us * INT64_C(1000); };
  out->mode = s.mode;
  out->clock = s.clockSec * NS + nsec(s.clockNsec, s.clockUsec);
  out->receive = s.receiveSec * NS + nsec(s.receiveNsec, s.receiveUsec);
  out->leap = s.leap;
  out->precision = s.precision;
}

}  // namespace

Status Shm::attach(int unit, int perm, bool create) {
  detach();
  const key_t key = KEY_BASE + unit;
  const int id = create ? shmget(key, sizeof(ShmSegment), IPC_CREAT | (perm & 0777)) : shmget(key, 0, 0);
  if (id < 0) return Status::last("shmget");
  return adopt(id);
}

Status Shm::adopt(int id) {
  struct shmid_ds info;
  if (shmctl(id, IPC_STAT, &info) != 0) return Status::last("shmctl");
  if (info.shm_segsz < sizeof(ShmSegment)) return {EINVAL, "shmget"};
  void* at = shmat(id, nullptr, 0);
  readOnly_ = at == reinterpret_cast<void*>(-1) && errno == EACCES;
  if (readOnly_) at = shmat(id, nullptr, SHM_RDONLY);
  if (at == reinterpret_cast<void*>(-1)) return Status::last("shmat");
  id_ = id;
  segment_ = static_cast<ShmSegment*>(at);
  size_ = info.shm_segsz;
  uid_ = info.shm_perm.uid;
  mode_ = info.shm_perm.mode & 0777;
  return {};
}

void Shm::detach() {
  if (segment_ != nullptr) shmdt(segment_);
  segment_ = nullptr;
}

Status Shm::remove() {
  // EINVAL, EIDRM: somebody was faster, and gone is gone.
  if (shmctl(id_, IPC_RMID, nullptr) != 0 && errno != EINVAL && errno != EIDRM) return Status::last("shmctl");
  return {};
}

Status Shm::read(bool consume, ShmRead* verdict, ShmSample* out) {
  if (consume && readOnly_) return {EACCES, "shmat"};
  *verdict = ShmRead::none;
  if (__atomic_load_n(&segment_->valid, __ATOMIC_ACQUIRE) == 0) return {};
  const uint32_t before = __atomic_load_n(&segment_->count, __ATOMIC_ACQUIRE);
  const ShmSegment seen = copy(segment_);
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  const uint32_t after = load(&segment_->count);
  if (consume) __atomic_store_n(&segment_->valid, 0, __ATOMIC_RELEASE);
  if (seen.mode != 0 && seen.mode != 1) {
    *verdict = ShmRead::mode;
  } else if (seen.mode == 1 && before != after) {
    *verdict = ShmRead::clash;
  } else if (!sane(seen)) {
    *verdict = ShmRead::range;
  } else {
    *verdict = ShmRead::sample;
    assemble(seen, out);
  }
  return {};
}

Status Shm::write(const ShmSample& sample) {
  if (readOnly_) return {EACCES, "shmat"};
  ShmSegment* s = segment_;
  const uint32_t count = load(&s->count);
  const auto nsec = [](int64_t t) { return static_cast<uint32_t>(t % NS); };
  store(&s->valid, 0);
  store(&s->count, count + 1);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  store(&s->mode, 1);
  store(&s->clockSec, sample.clock / NS);
  store(&s->clockUsec, static_cast<int32_t>(nsec(sample.clock) / 1000));
  store(&s->clockNsec, nsec(sample.clock));
  store(&s->receiveSec, sample.receive / NS);
  store(&s->receiveUsec, static_cast<int32_t>(nsec(sample.receive) / 1000));
  store(&s->receiveNsec, nsec(sample.receive));
  store(&s->leap, sample.leap);
  store(&s->precision, sample.precision);
  store(&s->samples, 0);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  store(&s->count, count + 2);
  __atomic_store_n(&s->valid, 1, __ATOMIC_RELEASE);
  return {};
}

}  // namespace tb
