/* SPDX-License-Identifier: MIT */
/* What truetime has for the network cards of truewire. */
#ifndef TRUETIME_H
#define TRUETIME_H
#include <linux/types.h>

/* What the PHC, or else a clock on true time (TAI), shows at a time of CLOCK_MONOTONIC_RAW, ns. */
s64 truetime_stamp(u64 raw, bool by_phc);
/* N of the PHC's /dev/ptpN. */
int truetime_phc_index(void);

#endif
