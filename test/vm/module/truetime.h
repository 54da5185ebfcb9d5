/* SPDX-License-Identifier: MIT */
/* What truetime has for the network cards of truewire. */
#ifndef TRUETIME_H
#define TRUETIME_H
#include <linux/timekeeping.h>
#include <linux/types.h>
#include <linux/version.h>

/* CLOCK_REALTIME and CLOCK_MONOTONIC_RAW at one reading of the counter; Linux 7.3 has other names for them. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#define SNAPSHOT(s) ktime_get_snapshot_id(CLOCK_REALTIME, s)
#define REAL(s) ((s)->systime)
#define RAW(s) ((s)->monoraw)
#define CROSS_REAL(cross) ((cross)->sys_systime)
#else
#define SNAPSHOT(s) ktime_get_snapshot(s)
#define REAL(s) ((s)->real)
#define RAW(s) ((s)->raw)
#define CROSS_REAL(cross) ((cross)->sys_realtime)
#endif

/* What the PHC, or else a clock on true time (TAI), shows at a time of CLOCK_MONOTONIC_RAW, ns. */
s64 truetime_stamp(u64 raw, bool by_phc);
/* N of the PHC's /dev/ptpN. */
int truetime_phc_index(void);

#endif
