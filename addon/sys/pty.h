// A pseudo terminal for a simulated receiver.
#pragma once

#include <string>

#include "status.h"

namespace tb {

/// Master (non-blocking) and the slave's path; the slave is raw, 8N1, at `baud` (EINVAL for a rate termios has no name for).
Status openPty(int baud, Fd* master, std::string* slavePath);

}  // namespace tb
