/**
 * The packet slab: one ArrayBuffer shared between the native socket loop and the TypeScript responder.
 * SLAB_SLOTS slots of SLOT_BYTES; a slot is SLOT_META u32 words of metadata, then the packet.
 * Native fills a slot on receive; the responder rewrites the packet in place and sets TX_LENGTH; native stamps and sends.
 * The same numbers stand in addon/sys/slab.h; a test compares them.
 */
export const SLAB_SLOTS = 64;
export const SLOT_BYTES = 1536;
/** Words of metadata before the packet. */
export const SLOT_META = 40;
export const SLOT_DATA = SLOT_META * 4;
export const SLOT_MAX_PACKET = SLOT_BYTES - SLOT_DATA;

/** Word offsets inside a slot's metadata. */
export const META = {
  /** Index of the socket in the set it came in by (and leaves by). */
  SOCKET: 0,
  /** Bytes received. A longer datagram is cut and TRUNCATED is 1. */
  RX_LENGTH: 1,
  TRUNCATED: 2,
  /** Raw receive stamp: seconds since 1970 (low, high word), nanoseconds. */
  RX_SEC_LO: 3,
  RX_SEC_HI: 4,
  RX_NSEC: 5,
  /** 0 daemon, 1 kernel; 2 hardware: once the card's stamp has been translated. */
  RX_KIND: 6,
  /** 4 or 6. */
  FAMILY: 7,
  SRC_PORT: 8,
  /** Source address, 16 bytes in network order; IPv4 in the first four. */
  SRC_ADDR: 9,
  SRC_SCOPE: 13,
  /** Address the packet was sent to: the reply leaves from it. */
  DST_ADDR: 14,
  IFINDEX: 18,
  /** Set by the responder: bytes to send, 0 = no reply. */
  TX_LENGTH: 19,
  /** Set by the responder: TX_FLAG bits. */
  TX_FLAGS: 20,
  /** Set by the responder: cooked − raw to add to the T3 that native reads: seconds (i32) and nanoseconds (i32, same sign or 0…999999999). */
  TX_CORR_SEC: 21,
  TX_CORR_NSEC: 22,
  /** Set by the responder: 1 + slot of the key that seals the reply; 0 = none. */
  TX_KEY: 23,
  /** Set by native after sending: raw T3 as read (the daemon stamp). */
  T3_SEC_LO: 24,
  T3_SEC_HI: 25,
  T3_NSEC: 26,
  /** Set by native: id under which the transmit stamp will come back (per socket counter), NO_STAMP = none will. */
  TX_ID: 27,
  /** Set by native: errno of the send, 0 = sent. */
  TX_ERRNO: 28,
  /** Set by the responder: free for its own use between serve and the send's stamps (ring index of the interleave entry). */
  COOKIE: 29,
  /**
   * Set by native on receive: µs (i32, saturating) from the receive stamp to when the batch was taken. Negative: the clock
   * was set back in between. After sending, with TX_FLAG.TIME: ns that the call took.
   */
  RX_AGE: 30,
  /** Set by the responder with TX_KEY: bytes at the end of TX_LENGTH that native fills with key id and digest. */
  TX_MAC: 31,
  /**
   * Set by native on receive, zero where the network card does not stamp: its stamp on its own clock, the interface that has
   * this clock, and the bytes of the frame without its check sequence (0 = not known).
   */
  HW_SEC_LO: 32,
  HW_SEC_HI: 33,
  HW_NSEC: 34,
  HW_IFINDEX: 35,
  HW_LENGTH: 36,
  /** Set by the responder, for itself: ns (i32) of TX_CORR that are noise and no time. */
  TX_NOISE: 37,
} as const;

export const TX_FLAG = {
  /** Write T3 (cooked NTP64, lowest bit cleared) at packet offset 40 just before sending. */
  STAMP: 1,
  /** Ask the kernel for a transmit stamp. */
  WANT_TX: 2,
  /** Tell how long the call took: ns, in RX_AGE. */
  TIME: 4,
  /** The address may be a broadcast address; without it the kernel refuses those. */
  BROADCAST: 8,
} as const;

/**
 * Above this bit TX_FLAGS holds the bytes of a prefix that leaves before the packet; it stands at the end of the slot, so
 * that stamp and seal find the packet where it always is.
 */
export const TX_PREFIX_SHIFT = 8;
export const TX_PREFIX_MAX = 64;

export const NO_STAMP = 0xffffffff;

/** One transmit stamp from the error queue: 7 words. */
export const TXSTAMP_WORDS = 7;
export const TXSTAMP_MAX = 256;
/**
 * KIND: 1 kernel; 2 hardware, from native on the clock of the card of interface IFINDEX (0 = not told), which comes after the
 * kernel's; STAMP_FOLLOWED is added to the kernel's where that is expected.
 */
export const TXSTAMP = { SOCKET: 0, ID: 1, KIND: 2, SEC_LO: 3, SEC_HI: 4, NSEC: 5, IFINDEX: 6 } as const;
export const STAMP_FOLLOWED = 4;

/** Checks a message authentication code with a key of the set, in constant time. */
export interface Verifier {
  /** Packet in slot `slot`: are the `macBytes` (key id and digest) at offset `macAt` right for the bytes before them? */
  verify(slot: number, key: number, macAt: number, macBytes: number): boolean;
}

/** A set of UDP sockets served by one thread. Real: addon. Simulated: a virtual network. */
export interface PacketTransport {
  /** SLAB_SLOTS × SLOT_BYTES. */
  readonly slab: ArrayBuffer;
  /** TXSTAMP_MAX × TXSTAMP_WORDS u32. */
  readonly txStamps: ArrayBuffer;
  /** Waits up to timeoutMs (negative: for ever) for packets; fills slots 0…n−1 and returns n; 0 = time-out or woken. */
  receive(timeoutMs: number): number;
  /** Sends every slot below `count` whose TX_LENGTH is not 0; returns how many left. */
  send(count: number): number;
  /** Empties the error queues into txStamps; returns the number of stamps. */
  drainTxStamps(): number;
}
