// SPDX-License-Identifier: MIT
/*
 * truetime: devices for a test of clock discipline whose relation to true time is known to the nanosecond.
 *
 * True time runs at a settable rate beside CLOCK_MONOTONIC_RAW, which no adjtimex and no step touches and which the kernel
 * computes of the same counter reading as CLOCK_REALTIME. One snapshot of both so says exactly how wrong the system clock
 * is, however late the emulated machine takes it.
 *
 *  /dev/ppsN       pulses at true seconds (assert) and a quarter later (clear), noise as the parameters say. A stamp is
 *                  not the moment at which the timer ran but what CLOCK_REALTIME read at the true second, plus the noise.
 *  /dev/ptpN       a PHC with a rate of its own or (phc_true) on true time + 37 s; its external stamps see the pulse.
 *  /dev/truetime   the record: pairs of s64 (true UTC, CLOCK_REALTIME - true UTC), ns, four a second.
 *  parameter now   "REALTIME UTC PHC RAW" in ns, of one instant.
 *  truewire        (truewire.c) network cards whose stamps are of these clocks.
 */
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pps_kernel.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/timekeeping.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include "truetime.h"

#define TICK_NS (NSEC_PER_SEC / 4)
#define TAI_UTC_S 37
#define RECORDS 32768
#define MOST_SOURCES 3
/* Rates are in 2^-40: a nanosecond a second is 1100 of them. */
#define RATE_BITS 40
#define PPB(n) div_s64((s64)(n) << RATE_BITS, NSEC_PER_SEC)

static int s64_set(const char *text, const struct kernel_param *kp)
{
	return kstrtos64(text, 0, kp->arg);
}

static int s64_get(char *text, const struct kernel_param *kp)
{
	return sysfs_emit(text, "%lld\n", *(s64 *)kp->arg);
}

static const struct kernel_param_ops s64_ops = { .set = s64_set, .get = s64_get };

#define SETTING(name, start, about) \
	static int name = start; \
	module_param(name, int, 0644); \
	MODULE_PARM_DESC(name, about)

static s64 start_ns;
module_param_cb(start_ns, &s64_ops, &start_ns, 0444);
MODULE_PARM_DESC(start_ns, "CLOCK_REALTIME minus true time at the start, ns");
static s64 leap_at_s;
module_param_cb(leap_at_s, &s64_ops, &leap_at_s, 0644);
MODULE_PARM_DESC(leap_at_s, "a second is inserted before this UTC second; 0 = none");
static unsigned long seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "of the noise");
SETTING(freq_ppb, 0, "what the undisciplined system clock gains on true time, ppb");
SETTING(walk_ppb, 0, "random walk of that, sigma of a second, ppb");
SETTING(jitter_ns, 0, "normal noise of the pulse, sigma");
SETTING(outlier_pct, 0, "pulses that are displaced, %");
SETTING(outlier_ns, 0, "by up to this much to either side");
SETTING(missing_pct, 0, "pulses that do not come, %");
SETTING(extra_pct, 0, "seconds with a second pulse near their middle, %");
SETTING(silent, 0, "bit mask of the sources without pulses; -1: none has any");
SETTING(both_ns, 0, "every pulse is followed by another assert after this, up to 250 ms: both edges");
SETTING(last_ns, 0, "constant error of the last source; negative: no stamp is ahead of the clock");
static int sources = 1;
module_param(sources, int, 0444);
MODULE_PARM_DESC(sources, "how many pulse sources, 1 to 3");
SETTING(phc_ppb, 0, "what the PHC gains on CLOCK_MONOTONIC_RAW, ppb");
SETTING(phc_true, 0, "1: the PHC shows true time in TAI");
SETTING(phc_read_ns, 500, "half of what one reading of the PHC takes");
SETTING(phc_slow_pct, 0, "readings that take longer on one side, %");
SETTING(phc_slow_ns, 20000, "by this much");
SETTING(phc_busy_pct, 0, "readings that fail with EBUSY, %");
static s64 phc_shift_ns;
module_param_cb(phc_shift_ns, &s64_ops, &phc_shift_ns, 0644);
MODULE_PARM_DESC(phc_shift_ns, "what the PHC is wrong by");
/* A clock that runs evenly beside CLOCK_MONOTONIC_RAW. Good for 8 s from raw on: the tick moves that forward. */
struct beside {
	u64 raw;
	s64 ns;
	s64 part; /* of a nanosecond, 2^-40 */
	s64 rate;
};

static DEFINE_SPINLOCK(lock);
static struct beside truth, phc;
static s64 walked;

static s64 ns_at(const struct beside *c, u64 raw)
{
	s64 since = raw - c->raw;

	return c->ns + since + ((since * c->rate + c->part) >> RATE_BITS);
}

static void move_to(struct beside *c, u64 raw)
{
	s64 since = raw - c->raw, gained = since * c->rate + c->part;

	c->ns += since + (gained >> RATE_BITS);
	c->part = gained & ((1LL << RATE_BITS) - 1);
	c->raw = raw;
}

static u64 raw_when(const struct beside *c, s64 ns)
{
	u64 raw = c->raw + (ns - c->ns);
	int i;

	/* Each round leaves a rate's part, at most 5e-4, of the error before. */
	for (i = 0; i < 4; i++)
		raw += ns - ns_at(c, raw);
	return raw;
}

static s64 utc(s64 true_ns)
{
	return leap_at_s && true_ns >= leap_at_s * NSEC_PER_SEC ? true_ns - NSEC_PER_SEC : true_ns;
}

static s64 tai_now(u64 raw)
{
	return ns_at(&truth, raw) + TAI_UTC_S * NSEC_PER_SEC;
}

static s64 phc_now(u64 raw)
{
	return (phc_true ? tai_now(raw) : ns_at(&phc, raw)) + phc_shift_ns;
}

/* Noise: splitmix64. Every second takes the same number of values, whatever comes of them. */
static u64 noise;

static u64 random(void)
{
	u64 z = noise += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Sum of 48 bytes: sigma is 73.9 * sqrt(48) = 512.0. */
static s64 normal(s64 sigma)
{
	s64 sum = -48 * 255 / 2;
	int i, j;

	for (i = 0; i < 6; i++) {
		u64 bits = random();

		for (j = 0; j < 64; j += 8)
			sum += (bits >> j) & 255;
	}
	return sum * sigma >> 9;
}

static s64 either_side(s64 most)
{
	return (s64)((random() >> 33) * (2 * most + 1) >> 31) - most;
}

static bool chance(int percent)
{
	return (random() >> 40) % 100 < percent;
}

/* ---- the record ---- */
static s64 (*record)[2];
static size_t recorded;

static ssize_t record_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
	return simple_read_from_buffer(to, size, at, record, READ_ONCE(recorded) * sizeof(*record));
}

static const struct file_operations record_ops = { .owner = THIS_MODULE, .read = record_read };
static struct miscdevice record_dev = { .minor = MISC_DYNAMIC_MINOR, .name = "truetime", .fops = &record_ops };

static int now_get(char *text, const struct kernel_param *kp)
{
	struct system_time_snapshot s;
	unsigned long flags;
	s64 t, p;

	spin_lock_irqsave(&lock, flags);
	SNAPSHOT(&s);
	t = utc(ns_at(&truth, RAW(&s)));
	p = phc_now(RAW(&s));
	spin_unlock_irqrestore(&lock, flags);
	return sysfs_emit(text, "%lld %lld %lld %lld\n", (s64)REAL(&s), t, p, (s64)RAW(&s));
}

static const struct kernel_param_ops now_ops = { .get = now_get };
module_param_cb(now, &now_ops, NULL, 0444);

/* ---- pulses ---- */
static struct pps_device *pps[MOST_SOURCES];
static struct ptp_clock *ptp;
static bool extts;
static struct hrtimer timer;
static s64 next_ns; /* true time of the next tick */
static struct system_time_snapshot before;

/* What CLOCK_REALTIME read at `raw`, shortly before `now`: along the line through the last tick and this one. */
static s64 realtime_at(u64 raw, const struct system_time_snapshot *now)
{
	s64 back = RAW(now) - raw, run = RAW(now) - RAW(&before), real = REAL(now) - REAL(&before);

	if (before.clock_was_set_seq != now->clock_was_set_seq || run < TICK_NS / 4 || run > NSEC_PER_SEC)
		return REAL(now) - back;
	return REAL(now) - back - div64_s64(back * (real - run), run);
}

static void pulse(s64 real, s64 shift, int edge)
{
	int i;

	for (i = 0; i < sources; i++) {
		s64 wrong = i && i == sources - 1 ? last_ns : 0;
		struct pps_event_time at = { .ts_real = ns_to_timespec64(real + shift + wrong) };

		if (pps[i] && !(silent >> i & 1))
			pps_event(pps[i], &at, edge, NULL);
	}
}

static void stamp(u64 raw, s64 shift)
{
	struct ptp_clock_event event = { .type = PTP_CLOCK_EXTTS, .index = 0, .timestamp = phc_now(raw) + shift };

	if (extts && !(silent & 1))
		ptp_clock_event(ptp, &event);
}

static void second(u64 raw, s64 real)
{
	s64 shift = normal(jitter_ns);
	s64 far = either_side(outlier_ns), walk = normal(PPB(walk_ppb));
	bool outlier = chance(outlier_pct), missing = chance(missing_pct);

	move_to(&truth, raw);
	walked += walk;
	truth.rate = -PPB(freq_ppb) - walked;
	if (outlier)
		shift += far;
	if (missing)
		return;
	pulse(real, shift, PPS_CAPTUREASSERT);
	stamp(raw, shift);
}

static ktime_t monotonic_in(s64 ns)
{
	return ktime_add_ns(ktime_get(), ns);
}

static enum hrtimer_restart tick(struct hrtimer *t)
{
	struct system_time_snapshot now;
	unsigned long flags;
	s64 ahead, extra;
	u64 raw, quarter;

	spin_lock_irqsave(&lock, flags);
	SNAPSHOT(&now);
	raw = raw_when(&truth, next_ns);
	ahead = raw - RAW(&now);
	/* CLOCK_MONOTONIC, which the timer goes by, is steered: it may be early. */
	if (ahead <= 0) {
		s64 is = utc(ns_at(&truth, RAW(&now))), real = realtime_at(raw, &now);

		if (recorded < RECORDS) {
			record[recorded][0] = is;
			record[recorded][1] = REAL(&now) - is;
			WRITE_ONCE(recorded, recorded + 1);
		}
		quarter = div_u64(next_ns, TICK_NS) % 4;
		if (quarter == 0)
			second(raw, real);
		else if (quarter == 1) {
			pulse(real, 0, PPS_CAPTURECLEAR);
			if (both_ns) {
				pulse(real, both_ns - TICK_NS, PPS_CAPTUREASSERT);
				stamp(raw, both_ns - TICK_NS);
			}
		} else if (quarter == 2) {
			extra = either_side(100 * NSEC_PER_MSEC);
			if (chance(extra_pct))
				pulse(real, extra, PPS_CAPTUREASSERT);
		}
		move_to(&phc, RAW(&now));
		before = now;
		next_ns += TICK_NS;
		/* A machine that slept through some: those are left out. */
		if (ns_at(&truth, RAW(&now)) > next_ns + NSEC_PER_SEC)
			next_ns = (div_s64(ns_at(&truth, RAW(&now)), NSEC_PER_SEC) + 1) * NSEC_PER_SEC;
		ahead = raw_when(&truth, next_ns) - RAW(&now);
	}
	spin_unlock_irqrestore(&lock, flags);
	hrtimer_set_expires(t, monotonic_in(ahead + 2000));
	return HRTIMER_RESTART;
}

static int pps_attach(void)
{
	struct pps_source_info info = {
		.name = "truetime",
		.mode = PPS_CAPTUREBOTH | PPS_OFFSETASSERT | PPS_OFFSETCLEAR | PPS_CANWAIT | PPS_TSFMT_TSPEC,
		.owner = THIS_MODULE,
	};
	int i;

	for (i = 0; i < sources; i++) {
		struct pps_device *made = pps_register_source(&info, PPS_CAPTUREBOTH);

		if (IS_ERR(made))
			return PTR_ERR(made);
		spin_lock_irq(&lock);
		pps[i] = made;
		spin_unlock_irq(&lock);
	}
	return 0;
}

static void pps_detach(void)
{
	int i;

	for (i = 0; i < sources; i++) {
		struct pps_device *gone;

		spin_lock_irq(&lock);
		gone = pps[i];
		pps[i] = NULL;
		spin_unlock_irq(&lock);
		if (gone)
			pps_unregister_source(gone);
	}
}

/* The receiver unplugged (0) and plugged in (1). Parameters are written under the module's parameter lock. */
static bool plugged = true;
static bool loaded;

static int plugged_set(const char *text, const struct kernel_param *kp)
{
	bool was = plugged;
	int r = param_set_bool(text, kp);

	if (r || !loaded || was == plugged)
		return r;
	if (plugged)
		return pps_attach();
	pps_detach();
	return 0;
}

static const struct kernel_param_ops plugged_ops = { .set = plugged_set, .get = param_get_bool };
module_param_cb(plugged, &plugged_ops, &plugged, 0644);

/* ---- the PHC ---- */
static void take(s64 ns)
{
	u64 from = ktime_get_raw_ns();

	while (ktime_get_raw_ns() - from < ns)
		cpu_relax();
}

/* A reading is a bus transaction: half of it before the register is latched, and sometimes much more. */
static int phc_gettimex(struct ptp_clock_info *info, struct timespec64 *ts, struct ptp_system_timestamp *around)
{
	unsigned long flags;
	bool slow, busy;

	spin_lock_irqsave(&lock, flags);
	busy = phc_busy_pct && chance(phc_busy_pct);
	slow = phc_slow_pct && chance(phc_slow_pct);
	ptp_read_system_prets(around);
	take(phc_read_ns + (slow ? phc_slow_ns : 0));
	*ts = ns_to_timespec64(phc_now(ktime_get_raw_ns()));
	take(phc_read_ns);
	ptp_read_system_postts(around);
	spin_unlock_irqrestore(&lock, flags);
	return busy ? -EBUSY : 0;
}

static int phc_gettime(struct ptp_clock_info *info, struct timespec64 *ts)
{
	return phc_gettimex(info, ts, NULL);
}

static int phc_precise(struct ptp_clock_info *info, struct system_device_crosststamp *cross)
{
	struct system_time_snapshot s;
	unsigned long flags;
	bool busy;

	spin_lock_irqsave(&lock, flags);
	busy = phc_busy_pct && chance(phc_busy_pct);
	SNAPSHOT(&s);
	cross->device = ns_to_ktime(phc_now(RAW(&s)));
	spin_unlock_irqrestore(&lock, flags);
	CROSS_REAL(cross) = REAL(&s);
	cross->sys_monoraw = RAW(&s);
	return busy ? -EBUSY : 0;
}

static int phc_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	move_to(&phc, ktime_get_raw_ns());
	phc.rate = PPB(phc_ppb) + div_s64((s64)scaled_ppm << (RATE_BITS - 16), 1000000);
	spin_unlock_irqrestore(&lock, flags);
	return 0;
}

static int phc_adjtime(struct ptp_clock_info *info, s64 delta)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	phc.ns += delta;
	spin_unlock_irqrestore(&lock, flags);
	return 0;
}

static int phc_settime(struct ptp_clock_info *info, const struct timespec64 *ts)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	move_to(&phc, ktime_get_raw_ns());
	phc.ns = timespec64_to_ns(ts);
	spin_unlock_irqrestore(&lock, flags);
	return 0;
}

static int phc_enable(struct ptp_clock_info *info, struct ptp_clock_request *request, int on)
{
	if (request->type != PTP_CLK_REQ_EXTTS)
		return -EOPNOTSUPP;
	extts = on;
	return 0;
}

static int phc_verify(struct ptp_clock_info *info, unsigned int pin, enum ptp_pin_function function, unsigned int channel)
{
	return function == PTP_PF_NONE || function == PTP_PF_EXTTS ? 0 : -EOPNOTSUPP;
}

static struct ptp_pin_desc pins[] = { { .name = "PULSE", .index = 0, .func = PTP_PF_NONE } };
static struct ptp_clock_info phc_info = {
	.owner = THIS_MODULE,
	.name = "truetime",
	.max_adj = 500000,
	.n_ext_ts = 1,
	.n_pins = 1,
	.pin_config = pins,
	.gettime64 = phc_gettime,
	.gettimex64 = phc_gettimex,
	.getcrosststamp = phc_precise,
	.adjfine = phc_adjfine,
	.adjtime = phc_adjtime,
	.settime64 = phc_settime,
	.enable = phc_enable,
	.verify = phc_verify,
};

/* Which cross time stamps there are: the PTP core asks each time whether the driver has the function. */
static int phc_stamps = 3;

static int phc_stamps_set(const char *text, const struct kernel_param *kp)
{
	int r = param_set_int(text, kp);

	WRITE_ONCE(phc_info.gettimex64, phc_stamps & 1 ? phc_gettimex : NULL);
	WRITE_ONCE(phc_info.getcrosststamp, phc_stamps & 2 ? phc_precise : NULL);
	return r;
}

static const struct kernel_param_ops phc_stamps_ops = { .set = phc_stamps_set, .get = param_get_int };
module_param_cb(phc_stamps, &phc_stamps_ops, &phc_stamps, 0644);
MODULE_PARM_DESC(phc_stamps, "cross time stamps besides basic ones: 1 extended, 2 precise, 3 both");

/* ---- for the cards ---- */
s64 truetime_stamp(u64 raw, bool by_phc)
{
	unsigned long flags;
	s64 ns;

	spin_lock_irqsave(&lock, flags);
	ns = by_phc ? phc_now(raw) : tai_now(raw);
	spin_unlock_irqrestore(&lock, flags);
	return ns;
}
EXPORT_SYMBOL_GPL(truetime_stamp);

int truetime_phc_index(void)
{
	return ptp_clock_index(ptp);
}
EXPORT_SYMBOL_GPL(truetime_phc_index);

/* ---- life ---- */
static void detach(void)
{
	pps_detach();
	if (ptp)
		ptp_clock_unregister(ptp);
	ptp = NULL;
	vfree(record);
}

static int attach(void)
{
	int r;

	record = vzalloc(RECORDS * sizeof(*record));
	if (!record)
		return -ENOMEM;
	ptp = ptp_clock_register(&phc_info, NULL);
	if (IS_ERR_OR_NULL(ptp)) {
		r = ptp ? PTR_ERR(ptp) : -EOPNOTSUPP;
		ptp = NULL;
		return r;
	}
	r = plugged ? pps_attach() : 0;
	return r ? r : misc_register(&record_dev);
}

static int __init truetime_init(void)
{
	int r;

	if (sources < 1 || sources > MOST_SOURCES)
		return -EINVAL;
	SNAPSHOT(&before);
	noise = seed;
	truth = (struct beside){ .raw = RAW(&before), .ns = REAL(&before) - start_ns, .rate = -PPB(freq_ppb) };
	phc = (struct beside){ .raw = RAW(&before), .ns = truth.ns + TAI_UTC_S * NSEC_PER_SEC, .rate = PPB(phc_ppb) };
	r = attach();
	if (r) {
		detach();
		return r;
	}
	loaded = true;
	next_ns = (div_s64(truth.ns, NSEC_PER_SEC) + 1) * NSEC_PER_SEC;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	hrtimer_setup(&timer, tick, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
#else
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	timer.function = tick;
#endif
	hrtimer_start(&timer, monotonic_in(next_ns - truth.ns), HRTIMER_MODE_ABS_HARD);
	return 0;
}

static void __exit truetime_exit(void)
{
	hrtimer_cancel(&timer);
	misc_deregister(&record_dev);
	detach();
}

module_init(truetime_init);
module_exit(truetime_exit);
/* Symbols of the PPS and PTP cores are for modules that are (also) under the GPL. */
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Pulses and a PHC with a known true time, for tests of clock discipline");
