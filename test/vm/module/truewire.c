// SPDX-License-Identifier: MIT
/*
 * truewire: two network cards with hardware time stamps, wire0 and wire1, and the wire between them. Stamps are computed, not
 * taken when the emulated machine gets to it: a packet is stamped when it is sent and one wire's delay later, to the nanosecond.
 *
 * The clock of wire0 is truetime's PHC, that of wire1 one of its own, on true time (TAI), which cannot be set. With approx_ns
 * each card is a second provider of stamps besides, an approximate one (Linux 6.14): by the other's clock, and late.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/net_tstamp.h>
#include <linux/netdevice.h>
#include <linux/prandom.h>
#include <linux/ptp_classify.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/timekeeping.h>
#include <linux/version.h>
#include "truetime.h"

#define SETTING(name, start, about) \
	static int name = start; \
	module_param(name, int, 0644); \
	MODULE_PARM_DESC(name, about)

SETTING(delay_ns, 5000, "of the wire, either way");
SETTING(asymmetry_ns, 0, "what a packet from wire0 to wire1 takes longer");
SETTING(noise_ns, 0, "what a packet takes longer at the most, evenly distributed");
/* Until a received packet is handed to the kernel, as the interrupt of a card is late. */
SETTING(late_ns, 10000, "from the end of the wire to the kernel");
static int tx_stamps[2] = { 2, 2 };
module_param_array(tx_stamps, int, NULL, 0644);
MODULE_PARM_DESC(tx_stamps, "of each card, stamps of what is sent: 2 there are, 1 they are promised and never come, 0 it cannot");
static int rx_stamps[2] = { 2, 2 };
module_param_array(rx_stamps, int, NULL, 0644);
MODULE_PARM_DESC(rx_stamps, "of each card, stamps of what is received: 2 of everything, 1 of PTP's event messages, 0 it cannot");
static int approx_ns;
module_param(approx_ns, int, 0444);
MODULE_PARM_DESC(approx_ns, "how late the approximate stamps are taken; 0: there are none");
static unsigned long seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "of the noise");

#define MOST_WAITING 1000

struct card {
	struct net_device *dev;
	struct card *twin;
	int number;
	bool tx_on;
	int rx_filter;
	bool approx; /* the provider in force */
	struct sk_buff_head wire; /* what is under way to this card */
	u64 last; /* MONOTONIC_RAW at which the last of them arrives */
	struct hrtimer timer;
	struct napi_struct napi;
};

static struct net_device *cards[2];
static struct ptp_clock *true_clock;
static struct rnd_state noise;

static s64 stamp(const struct card *card, u64 raw)
{
	return truetime_stamp(raw + (card->approx ? approx_ns : 0), card->approx ? card->number : !card->number);
}

/* MONOTONIC_RAW at which a packet arrives, in the packet itself. */
static u64 *arrival(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(u64) > sizeof(skb->cb));
	return (u64 *)skb->cb;
}

static void wake_at(struct card *to, u64 raw)
{
	s64 ahead = raw + late_ns - ktime_get_raw_ns();

	hrtimer_start(&to->timer, ns_to_ktime(max_t(s64, ahead, 1)), HRTIMER_MODE_REL_SOFT);
}

static void put_on_wire(struct card *to, struct sk_buff *skb, u64 sent)
{
	u64 at = sent + delay_ns + (to->number ? asymmetry_ns : 0);
	unsigned long flags;

	spin_lock_irqsave(&to->wire.lock, flags);
	if (noise_ns)
		at += prandom_u32_state(&noise) % (noise_ns + 1);
	/* Packets do not overtake each other. */
	if (at <= to->last)
		at = to->last + 1;
	to->last = at;
	*arrival(skb) = at;
	__skb_queue_tail(&to->wire, skb);
	if (skb_queue_len(&to->wire) == 1)
		wake_at(to, at);
	spin_unlock_irqrestore(&to->wire.lock, flags);
}

/* A copy for the other end, without anything that belongs to the sender. */
static struct sk_buff *for_twin(const struct sk_buff *skb)
{
	struct sk_buff *copy = skb_copy(skb, GFP_ATOMIC);

	if (!copy)
		return NULL;
	skb_orphan(copy);
	skb_clear_tstamp(copy);
	skb_scrub_packet(copy, true);
	return copy;
}

static netdev_tx_t card_send(struct sk_buff *skb, struct net_device *dev)
{
	struct card *card = netdev_priv(dev);
	bool stamped = card->tx_on && (skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP);
	struct sk_buff *copy = for_twin(skb);
	u64 sent;

	if (stamped)
		skb_shinfo(skb)->tx_flags |= SKBTX_IN_PROGRESS;
	skb_tx_timestamp(skb);
	sent = ktime_get_raw_ns();
	if (stamped && tx_stamps[card->number] == 2) {
		struct skb_shared_hwtstamps at = { .hwtstamp = ns_to_ktime(stamp(card, sent)) };

		skb_tstamp_tx(skb, &at);
	}
	dev->stats.tx_packets++;
	dev->stats.tx_bytes += skb->len;
	consume_skb(skb);
	if (copy && netif_running(card->twin->dev) && skb_queue_len(&card->twin->wire) < MOST_WAITING)
		put_on_wire(card->twin, copy, sent);
	else
		kfree_skb(copy);
	return NETDEV_TX_OK;
}

static enum hrtimer_restart card_interrupt(struct hrtimer *timer)
{
	napi_schedule(&container_of(timer, struct card, timer)->napi);
	return HRTIMER_NORESTART;
}

/* The next packet that has arrived, else the timer is set for it. */
static struct sk_buff *arrived(struct card *card)
{
	struct sk_buff *skb;
	unsigned long flags;

	spin_lock_irqsave(&card->wire.lock, flags);
	skb = skb_peek(&card->wire);
	if (skb && *arrival(skb) + late_ns <= ktime_get_raw_ns())
		__skb_unlink(skb, &card->wire);
	else
		skb = NULL;
	spin_unlock_irqrestore(&card->wire.lock, flags);
	return skb;
}

static void wait_for_next(struct card *card)
{
	struct sk_buff *skb;
	unsigned long flags;

	spin_lock_irqsave(&card->wire.lock, flags);
	skb = skb_peek(&card->wire);
	if (skb)
		wake_at(card, *arrival(skb));
	spin_unlock_irqrestore(&card->wire.lock, flags);
}

/* At the Ethernet header: an event message of PTP version 2 (types 0 to 3)? */
static bool is_ptp_event(struct sk_buff *skb)
{
	unsigned int class = ptp_classify_raw(skb);
	struct ptp_header *header;

	if ((class & PTP_CLASS_VMASK) != PTP_CLASS_V2)
		return false;
	skb_reset_mac_header(skb);
	header = ptp_parse_header(skb, class);
	return header && ptp_get_msgtype(header, class) < 4;
}

static void receive(struct card *card, struct sk_buff *skb)
{
	u64 at = *arrival(skb);
	bool wanted = card->rx_filter == HWTSTAMP_FILTER_ALL;

	memset(skb->cb, 0, sizeof(skb->cb));
	if (card->rx_filter == HWTSTAMP_FILTER_PTP_V2_EVENT)
		wanted = is_ptp_event(skb);
	if (wanted)
		skb_hwtstamps(skb)->hwtstamp = ns_to_ktime(stamp(card, at));
	card->dev->stats.rx_packets++;
	card->dev->stats.rx_bytes += skb->len;
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb->protocol = eth_type_trans(skb, card->dev);
	napi_gro_receive(&card->napi, skb);
}

/* The kernel finds the interface of a received packet's hardware stamp by its NAPI context. */
static int card_poll(struct napi_struct *napi, int budget)
{
	struct card *card = container_of(napi, struct card, napi);
	struct sk_buff *skb;
	int done = 0;

	while (done < budget && (skb = arrived(card))) {
		receive(card, skb);
		done++;
	}
	if (done < budget && napi_complete_done(napi, done))
		wait_for_next(card);
	return done;
}

static int card_open(struct net_device *dev)
{
	struct card *card = netdev_priv(dev);

	napi_enable(&card->napi);
	netif_start_queue(dev);
	return 0;
}

/* Many cards forget then what they were told to stamp. */
static int card_stop(struct net_device *dev)
{
	struct card *card = netdev_priv(dev);

	netif_stop_queue(dev);
	napi_disable(&card->napi);
	hrtimer_cancel(&card->timer);
	skb_queue_purge(&card->wire);
	card->tx_on = false;
	card->rx_filter = HWTSTAMP_FILTER_NONE;
	return 0;
}

static int ptp_index(const struct card *card, bool approx)
{
	return card->number != approx ? ptp_clock_index(true_clock) : truetime_phc_index();
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#define IS_APPROX(qualifier) ((qualifier) == HWTSTAMP_PROVIDER_QUALIFIER_APPROX)
#define OFFER_APPROX(ops) ((ops)->supported_hwtstamp_qualifiers = \
	BIT(HWTSTAMP_PROVIDER_QUALIFIER_PRECISE) | BIT(HWTSTAMP_PROVIDER_QUALIFIER_APPROX))
#else
#define IS_APPROX(qualifier) false
#define OFFER_APPROX(ops) ((void)(ops))
#endif

static bool stamps_nothing(const struct card *card)
{
	return !tx_stamps[card->number] && !rx_stamps[card->number];
}

static int card_told(struct net_device *dev, struct kernel_hwtstamp_config *config)
{
	struct card *card = netdev_priv(dev);

	if (stamps_nothing(card))
		return -EOPNOTSUPP;
	config->tx_type = card->tx_on ? HWTSTAMP_TX_ON : HWTSTAMP_TX_OFF;
	config->rx_filter = card->rx_filter;
	return 0;
}

static int card_tell(struct net_device *dev, struct kernel_hwtstamp_config *config, struct netlink_ext_ack *ack)
{
	struct card *card = netdev_priv(dev);
	int tx = tx_stamps[card->number], rx = rx_stamps[card->number];
	bool all = config->rx_filter == HWTSTAMP_FILTER_ALL || config->rx_filter == HWTSTAMP_FILTER_NTP_ALL;

	if (stamps_nothing(card))
		return -EOPNOTSUPP;
	if (config->tx_type != HWTSTAMP_TX_OFF && (config->tx_type != HWTSTAMP_TX_ON || !tx))
		return -ERANGE;
	if (config->rx_filter != HWTSTAMP_FILTER_NONE) {
		if (!rx || (all && rx == 1))
			return -ERANGE;
		config->rx_filter = rx == 1 ? HWTSTAMP_FILTER_PTP_V2_EVENT : HWTSTAMP_FILTER_ALL;
	}
	card->tx_on = config->tx_type == HWTSTAMP_TX_ON;
	card->rx_filter = config->rx_filter;
	card->approx = IS_APPROX(config->qualifier);
	return 0;
}

static int card_can(struct net_device *dev, struct kernel_ethtool_ts_info *info)
{
	struct card *card = netdev_priv(dev);
	int tx = tx_stamps[card->number], rx = rx_stamps[card->number];

	info->so_timestamping |= SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	info->tx_types = BIT(HWTSTAMP_TX_OFF);
	info->rx_filters = BIT(HWTSTAMP_FILTER_NONE);
	if (tx) {
		info->so_timestamping |= SOF_TIMESTAMPING_TX_HARDWARE;
		info->tx_types |= BIT(HWTSTAMP_TX_ON);
	}
	if (rx) {
		info->so_timestamping |= SOF_TIMESTAMPING_RX_HARDWARE;
		info->rx_filters |= rx == 1 ? BIT(HWTSTAMP_FILTER_PTP_V2_EVENT) : BIT(HWTSTAMP_FILTER_ALL);
	}
	if (stamps_nothing(card))
		return 0;
	info->so_timestamping |= SOF_TIMESTAMPING_RAW_HARDWARE;
	info->phc_index = ptp_index(card, IS_APPROX(info->phc_qualifier));
	return 0;
}

static int card_link(struct net_device *dev, struct ethtool_link_ksettings *link)
{
	link->base.speed = SPEED_1000;
	link->base.duplex = DUPLEX_FULL;
	return 0;
}

static const struct net_device_ops card_ops = {
	.ndo_open = card_open,
	.ndo_stop = card_stop,
	.ndo_start_xmit = card_send,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_hwtstamp_get = card_told,
	.ndo_hwtstamp_set = card_tell,
};
static struct ethtool_ops card_ethtool = {
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = card_link,
	.get_ts_info = card_can,
};

/* Cards (bit 0: wire0) that forget what they were told, as after a reset of theirs. */
static int forget_set(const char *text, const struct kernel_param *kp)
{
	unsigned int which;
	int i, r = kstrtouint(text, 0, &which);

	for (i = 0; !r && i < 2; i++) {
		struct card *card = netdev_priv(cards[i]);

		if (which >> i & 1) {
			card->tx_on = false;
			card->rx_filter = HWTSTAMP_FILTER_NONE;
		}
	}
	return r;
}

static const struct kernel_param_ops forget_ops = { .set = forget_set };
module_param_cb(forget, &forget_ops, NULL, 0200);

/* ---- the clock of wire1 ---- */
static int clock_gettimex(struct ptp_clock_info *info, struct timespec64 *ts, struct ptp_system_timestamp *around)
{
	unsigned long flags;

	/* The emulated machine is not to be interrupted between the readings. */
	local_irq_save(flags);
	ptp_read_system_prets(around);
	*ts = ns_to_timespec64(truetime_stamp(ktime_get_raw_ns(), false));
	ptp_read_system_postts(around);
	local_irq_restore(flags);
	return 0;
}

static int clock_precise(struct ptp_clock_info *info, struct system_device_crosststamp *cross)
{
	struct system_time_snapshot s;

	SNAPSHOT(&s);
	cross->device = ns_to_ktime(truetime_stamp(RAW(&s), false));
	CROSS_REAL(cross) = REAL(&s);
	cross->sys_monoraw = RAW(&s);
	return 0;
}

/* Programs set what they read before, which is nothing. */
static int clock_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	return scaled_ppm ? -EOPNOTSUPP : 0;
}

static int clock_adjtime(struct ptp_clock_info *info, s64 delta)
{
	return -EOPNOTSUPP;
}

static int clock_settime(struct ptp_clock_info *info, const struct timespec64 *ts)
{
	return -EOPNOTSUPP;
}

static struct ptp_clock_info clock_info = {
	.owner = THIS_MODULE,
	.name = "truewire",
	.max_adj = 500000,
	.gettimex64 = clock_gettimex,
	.getcrosststamp = clock_precise,
	.adjfine = clock_adjfine,
	.adjtime = clock_adjtime,
	.settime64 = clock_settime,
};

/* ---- life ---- */
static int make(int i)
{
	const u8 address[ETH_ALEN] = { 2, 0, 0, 0, 0, i + 1 };
	struct net_device *dev = alloc_etherdev(sizeof(struct card));
	struct card *card;

	if (!dev)
		return -ENOMEM;
	cards[i] = dev;
	card = netdev_priv(dev);
	card->dev = dev;
	card->number = i;
	card->rx_filter = HWTSTAMP_FILTER_NONE;
	skb_queue_head_init(&card->wire);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	hrtimer_setup(&card->timer, card_interrupt, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
#else
	hrtimer_init(&card->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	card->timer.function = card_interrupt;
#endif
	strscpy(dev->name, "wire%d");
	eth_hw_addr_set(dev, address);
	dev->netdev_ops = &card_ops;
	dev->ethtool_ops = &card_ethtool;
	netif_napi_add(dev, &card->napi, card_poll);
	return 0;
}

static void unmake(void)
{
	int i;

	for (i = 0; i < 2; i++)
		if (cards[i] && cards[i]->reg_state == NETREG_REGISTERED)
			unregister_netdev(cards[i]);
	for (i = 0; i < 2; i++)
		if (cards[i])
			free_netdev(cards[i]);
	if (true_clock)
		ptp_clock_unregister(true_clock);
}

static int wire(void)
{
	struct card *ends[2];
	int i, r;

	for (i = 0; i < 2; i++) {
		r = make(i);
		if (r)
			return r;
		ends[i] = netdev_priv(cards[i]);
	}
	for (i = 0; i < 2; i++) {
		ends[i]->twin = ends[1 - i];
		r = register_netdev(cards[i]);
		if (r)
			return r;
	}
	return 0;
}

static int __init truewire_init(void)
{
	struct ptp_clock *clock = ptp_clock_register(&clock_info, NULL);
	int r;

	if (IS_ERR_OR_NULL(clock))
		return clock ? PTR_ERR(clock) : -EOPNOTSUPP;
	true_clock = clock;
	prandom_seed_state(&noise, seed);
	if (approx_ns)
		OFFER_APPROX(&card_ethtool);
	r = wire();
	if (r)
		unmake();
	return r;
}

static void __exit truewire_exit(void)
{
	unmake();
}

module_init(truewire_init);
module_exit(truewire_exit);
/* Symbols of the PTP core and of truetime are for modules that are (also) under the GPL. */
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Two network cards with hardware time stamps of known clocks, for tests of clock discipline");
