// Providers of hardware stamps of an interface, by the kernel's "ethtool" family of netlink messages (Linux 6.14).
#pragma once

#include <string>
#include <vector>

#include "nic.h"
#include "status.h"
#include "tsreply.h"

namespace tb {

/// What the interface has, each once; none where the kernel does not tell of providers, or there is no hardware that stamps.
/// Needs no privilege.
Status stampProviders(const std::string& interface, std::vector<StampProvider>* out);
/// Takes the stamps of one provider, and tells it what to stamp: needs CAP_NET_ADMIN; EOPNOTSUPP: the kernel or the driver
/// cannot. The provider that was in force is told to stamp nothing. `config` becomes what was granted.
Status setStampProvider(const std::string& interface, int phcIndex, int qualifier, StampConfig* config);

}  // namespace tb
