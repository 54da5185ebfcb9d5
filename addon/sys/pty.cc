#include "pty.h"

#include <fcntl.h>
#include <cstdlib>
#include <termios.h>

namespace tb {
namespace {

struct Rate {
  int baud;
  speed_t speed;
};
constexpr Rate RATES[] = {
    {1200, B1200},     {2400, B2400},     {4800, B4800},     {9600, B9600},     {19200, B19200},
    {38400, B38400},   {57600, B57600},   {115200, B115200}, {230400, B230400}, {460800, B460800},
    {500000, B500000}, {921600, B921600}, {1000000, B1000000},
};

Status makeRaw(int master, speed_t speed) {
  struct termios tio;
  // On the master these ioctls reach the slave's settings, so the slave need not be opened (and hung up) for it.
  if (tcgetattr(master, &tio) != 0) return Status::last("tcgetattr");
  cfmakeraw(&tio);
  tio.c_cflag |= CLOCAL | CREAD;
  if (cfsetspeed(&tio, speed) != 0) return Status::last("cfsetspeed");
  if (tcsetattr(master, TCSANOW, &tio) != 0) return Status::last("tcsetattr");
  return {};
}

}  // namespace

Status openPty(int baud, Fd* master, std::string* slavePath) {
  const Rate* rate = nullptr;
  for (const Rate& r : RATES) {
    if (r.baud == baud) rate = &r;
  }
  if (rate == nullptr) return {EINVAL, "cfsetspeed"};
  Fd fd(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Status::last("open");
  if (grantpt(fd.get()) != 0) return Status::last("grantpt");
  if (unlockpt(fd.get()) != 0) return Status::last("unlockpt");
  char name[64];
  const int error = ptsname_r(fd.get(), name, sizeof name);
  if (error != 0) return {error, "ptsname_r"};
  const Status raw = makeRaw(fd.get(), rate->speed);
  if (!raw.ok()) return raw;
  *slavePath = name;
  *master = std::move(fd);
  return {};
}

}  // namespace tb
