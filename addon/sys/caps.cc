#include "caps.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace tb {
namespace {

/// In the order of their bits (linux/capability.h).
constexpr const char* NAMES[] = {
    "chown",           "dac_override",     "dac_read_search",    "fowner",         "fsetid",     "kill",
    "setgid",          "setuid",           "setpcap",            "linux_immutable", "net_bind_service", "net_broadcast",
    "net_admin",       "net_raw",          "ipc_lock",           "ipc_owner",      "sys_module", "sys_rawio",
    "sys_chroot",      "sys_ptrace",       "sys_pacct",          "sys_admin",      "sys_boot",   "sys_nice",
    "sys_resource",    "sys_time",         "sys_tty_config",     "mknod",          "lease",      "audit_write",
    "audit_control",   "setfcap",          "mac_override",       "mac_admin",      "syslog",     "wake_alarm",
    "block_suspend",   "audit_read",       "perfmon",            "bpf",            "checkpoint_restore",
};
constexpr int COUNT = sizeof NAMES / sizeof NAMES[0];
static_assert(CAP_SYS_TIME == 25 && CAP_BLOCK_SUSPEND == 36 && COUNT == 41, "capability bits");

// glibc has no wrappers; libcap would be a dependency for two calls.
Status capget(__user_cap_data_struct data[2]) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  if (::syscall(SYS_capget, &header, data) != 0) return Status::last("capget");
  return {};
}

Status capset(uint64_t mask) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const auto low = static_cast<uint32_t>(mask);
  const auto high = static_cast<uint32_t>(mask >> 32);
  const __user_cap_data_struct data[2] = {{low, low, 0}, {high, high, 0}};
  if (::syscall(SYS_capset, &header, data) != 0) return Status::last("capset");
  return {};
}

/// The groups that /etc/group gives the user: receivers and pulses are opened by group, also again after an unplugging.
Status takeGroups(uid_t uid, gid_t gid) {
  const passwd* user = ::getpwuid(uid);
  if (user == nullptr) return ::setgroups(0, nullptr) == 0 ? Status{} : Status::last("setgroups");
  return ::initgroups(user->pw_name, gid) == 0 ? Status{} : Status::last("initgroups");
}

}  // namespace

int capabilityBit(const std::string& name) {
  for (int i = 0; i < COUNT; i++) {
    if (name == NAMES[i]) return i;
  }
  return -1;
}

Status effectiveCapabilities(std::vector<std::string>* out) {
  __user_cap_data_struct data[2] = {};
  const Status status = capget(data);
  if (!status.ok()) return status;
  const uint64_t mask = data[0].effective | static_cast<uint64_t>(data[1].effective) << 32;
  for (int i = 0; i < COUNT; i++) {
    if ((mask >> i & 1) != 0) out->push_back(NAMES[i]);
  }
  return {};
}

Status dropTo(uid_t uid, gid_t gid, uint64_t mask) {
  // Checked first: half a drop would be worse than none.
  __user_cap_data_struct data[2] = {};
  const Status held = capget(data);
  if (!held.ok()) return held;
  const uint64_t permitted = data[0].permitted | static_cast<uint64_t>(data[1].permitted) << 32;
  if ((mask & ~permitted) != 0) return {EPERM, "capset"};
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return Status::last("prctl");
  const Status groups = takeGroups(uid, gid);
  if (!groups.ok()) return groups;
  if (::setgid(gid) != 0) return Status::last("setgid");
  if (::setuid(uid) != 0) return Status::last("setuid");
  const Status set = capset(mask);
  if (!set.ok()) return set;
  if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) return Status::last("prctl");
  return {};
}

}  // namespace tb
