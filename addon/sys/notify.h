// The service manager's notification socket (sd_notify(3)).
#pragma once

#include <string>

#include "status.h"

namespace tb {

/// `sent` false when NOTIFY_SOCKET is not set.
Status sdNotify(const std::string& state, bool* sent);

}  // namespace tb
