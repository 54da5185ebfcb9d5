/*
 * The coarse time beside the pulse: writes true UTC into NTP's shared memory segment 0, as gpsd does for a receiver's
 * sentences: once a second, 120 ms late and up to 30 ms more. Stops when killed;
 * SIGUSR1: in the middle of the next sample, as a program that crashes.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>

#define SECOND 1000000000LL
#define LATE 120000000LL
#define SCATTER 30000000LL

/* The layout of 64-bit systems, 96 bytes. */
struct segment {
	int mode;
	volatile int count;
	time_t clock_s;
	int clock_us;
	time_t receive_s;
	int receive_us;
	int leap, precision, nsamples;
	volatile int valid;
	unsigned clock_ns, receive_ns;
	int spare[8];
};

static void read_now(int64_t *realtime, int64_t *utc)
{
	FILE *file = fopen("/sys/module/truetime/parameters/now", "r");
	long long real, true_utc;

	if (!file || fscanf(file, "%lld %lld", &real, &true_utc) != 2)
		exit(1);
	fclose(file);
	*realtime = real;
	*utc = true_utc;
}

static volatile sig_atomic_t crash;

static void on_signal(int number)
{
	crash = number;
}

int main(void)
{
	int id = shmget(0x4e545030, sizeof(struct segment), IPC_CREAT | 0600);
	struct segment *seg = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
	int64_t realtime, utc;
	uint32_t noise = 1;

	if (seg == (void *)-1)
		return 1;
	signal(SIGUSR1, on_signal);
	seg->mode = 1;
	for (;;) {
		read_now(&realtime, &utc);
		noise = noise * 1664525 + 1013904223;
		int64_t wait = SECOND - utc % SECOND + LATE + (int64_t)(noise >> 8) * SCATTER / (1 << 24);
		if (wait > SECOND + LATE)
			wait -= SECOND;
		struct timespec pause = { wait / SECOND, wait % SECOND };
		nanosleep(&pause, NULL);
		read_now(&realtime, &utc);
		seg->valid = 0;
		seg->count++;
		__sync_synchronize();
		seg->clock_s = utc / SECOND;
		if (crash)
			return 1;
		seg->clock_us = 0;
		seg->clock_ns = 0;
		seg->receive_s = realtime / SECOND;
		seg->receive_us = (int)(realtime % SECOND / 1000);
		seg->receive_ns = (unsigned)(realtime % SECOND);
		seg->precision = -7;
		__sync_synchronize();
		seg->count++;
		seg->valid = 1;
	}
}
