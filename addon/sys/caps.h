// Capabilities and the dropping of root.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

#include "status.h"

namespace tb {

/// Bit of a capability by its name without CAP_, lower case ("sys_time"); −1 for no such name.
int capabilityBit(const std::string& name);
/// Names of the calling thread's effective set.
Status effectiveCapabilities(std::vector<std::string>* out);
/**
 * Group and user changed, supplementary groups become those the system lists for the user, and of the capabilities only
 * `mask` is left (effective and permitted). Ids change for the whole process, capabilities belong to threads: the
 * calling one, and those it starts from now on, keep `mask`; threads that already run keep none once the user is not
 * root. EPERM when one of `mask` is not held.
 */
Status dropTo(uid_t uid, gid_t gid, uint64_t mask);

}  // namespace tb
