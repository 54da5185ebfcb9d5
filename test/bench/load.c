// Load generator of the benchmark: many NTP clients on one socket, each with a source address of its own. Closed loop
// (RATE 0): a fixed number of requests under way; open loop: RATE requests a second, whatever comes back. Prints one
// JSON line a window. Compiled when the benchmark starts.
//
// load SERVER PORT CLIENTS WINDOW_REQUESTS INTERLEAVED(0|1) WINDOWS WINDOW_MS SERVER_PID FIRST_CLIENT RATE PACKETS
// PACKETS: '-', or a file with a prepared (authenticated) request of 68 bytes a client.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define PACKET 48
#define MAX_REQUEST 68
#define ERRORS (1 << 16)
#define NTP_UNIX_OFFSET 2208988800u

struct client {
  uint32_t rx[2];        // receive stamp of the last reply, as it came
  struct timespec came;  // when that reply came in (kernel)
  struct timespec sent;  // clock just before the last request
  uint32_t seq;
  int waiting;
};

struct result {
  uint64_t answered, interleaved, strange, requests;
  uint32_t nerrors, nlatencies;
  float t3[ERRORS];       // us from the server's T3 to the kernel's receive stamp here
  float latency[ERRORS];  // us from just before the request to the kernel's receive stamp of the reply
  float t2[ERRORS];       // us from just before the request to the server's T2
};

static int sock, interleave;
static uint8_t* prepared;  // requests of MAX_REQUEST bytes, or NULL
static uint32_t nclients, next_client, first_client, outstanding;
static struct client* clients;
static struct sockaddr_in server;
static struct result result;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// CPU time of all threads of a process, ns (schedstat's first number).
static uint64_t cpu_ns(int pid) {
  char path[320];
  uint64_t sum = 0;
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR* dir = opendir(path);
  if (dir == NULL) return 0;
  for (struct dirent* e; (e = readdir(dir)) != NULL;) {
    unsigned long long ns = 0;
    if (e->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, e->d_name);
    FILE* f = fopen(path, "r");
    if (f == NULL) continue;
    if (fscanf(f, "%llu", &ns) == 1) sum += ns;
    fclose(f);
  }
  closedir(dir);
  return sum;
}

static void fill(uint8_t* p, uint32_t index, struct client* c) {
  uint32_t w[12] = {0};
  if (prepared != NULL) {
    c->seq = 1;
    memcpy(p, prepared + (size_t)index * MAX_REQUEST, MAX_REQUEST);
    return;
  }
  w[0] = htonl(0x23000600);
  c->seq++;
  w[10] = htonl(index);
  w[11] = htonl(c->seq << 1);
  if (interleave) {
    memcpy(&w[6], c->rx, 8);
    w[8] = htonl(index | 0x80000000u);
    w[9] = w[11];
  }
  memcpy(p, w, PACKET);
}

static struct mmsghdr out[BATCH], in[BATCH];
static struct iovec outv[BATCH], inv[BATCH];
static uint8_t outp[BATCH][MAX_REQUEST], inp[BATCH][512];
static union { struct cmsghdr align; uint8_t b[CMSG_SPACE(sizeof(struct in_pktinfo))]; } outc[BATCH];
static union { struct cmsghdr align; uint8_t b[256]; } inc[BATCH];

static void send_requests(uint32_t window) {
  int n = 0;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  while (outstanding + (uint32_t)n < window && n < BATCH) {
    uint32_t index = next_client, tried = 0;
    while (clients[index].waiting && tried++ < nclients) index = (index + 1) % nclients;
    if (clients[index].waiting) break;
    next_client = (index + 1) % nclients;
    clients[index].waiting = 1;
    clients[index].sent = now;
    fill(outp[n], index, &clients[index]);
    struct in_pktinfo info = {0};
    info.ipi_spec_dst.s_addr = htonl(first_client + index);
    memcpy(CMSG_DATA(&outc[n].align), &info, sizeof info);
    n++;
  }
  if (n == 0) return;
  int sent = sendmmsg(sock, out, (unsigned)n, 0);
  for (int i = sent < 0 ? 0 : sent; i < n; i++) clients[ntohl(*(uint32_t*)(outp[i] + 40))].waiting = 0;
  if (sent > 0) {
    outstanding += (uint32_t)sent;
    result.requests += (uint64_t)sent;
  }
}

static void note_t3(const uint8_t* p, const struct timespec* came) {
  uint32_t t3[2];
  memcpy(t3, p + 40, 8);
  double sec = (double)(int32_t)((uint32_t)came->tv_sec + NTP_UNIX_OFFSET - ntohl(t3[0]));
  double us = (sec + came->tv_nsec * 1e-9 - ntohl(t3[1]) / 4294967296.0) * 1e6;
  if (result.nerrors < ERRORS) result.t3[result.nerrors++] = (float)us;
}

static double us_between(const struct timespec* a, const struct timespec* b) {
  return (double)(b->tv_sec - a->tv_sec) * 1e6 + (double)(b->tv_nsec - a->tv_nsec) * 1e-3;
}

static void note_latency(const struct client* c, const uint8_t* p, const struct timespec* came) {
  if (result.nlatencies >= ERRORS) return;
  uint32_t t2[2];
  memcpy(t2, p + 32, 8);
  double sec = (double)(int32_t)(ntohl(t2[0]) - ((uint32_t)c->sent.tv_sec + NTP_UNIX_OFFSET));
  result.t2[result.nlatencies] = (float)((sec + ntohl(t2[1]) / 4294967296.0 - c->sent.tv_nsec * 1e-9) * 1e6);
  result.latency[result.nlatencies++] = (float)us_between(&c->sent, came);
}

static void take_reply(const uint8_t* p, unsigned length, const struct timespec* came) {
  uint32_t origin[2];
  memcpy(origin, p + 24, 8);
  uint32_t name = ntohl(origin[0]);
  uint32_t index = name & 0x7fffffffu;
  if (length < PACKET || index >= nclients || ntohl(origin[1]) != clients[index].seq << 1) {
    result.strange++;
    return;
  }
  struct client* c = &clients[index];
  if (!c->waiting) return;
  c->waiting = 0;
  outstanding--;
  result.answered++;
  if ((result.answered & 7) == 0) note_latency(c, p, came);
  if (name != index) {
    result.interleaved++;
    if ((result.answered & 15) == 0) note_t3(p, &c->came);
  } else if (!interleave && (result.answered & 15) == 0) {
    note_t3(p, came);
  }
  memcpy(c->rx, p + 32, 8);
  c->came = *came;
}

static int receive_replies(void) {
  for (int i = 0; i < BATCH; i++) in[i].msg_hdr.msg_controllen = sizeof inc[i];
  int n = recvmmsg(sock, in, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < n; i++) {
    struct timespec came = {0};
    for (struct cmsghdr* c = CMSG_FIRSTHDR(&in[i].msg_hdr); c != NULL; c = CMSG_NXTHDR(&in[i].msg_hdr, c)) {
      if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) memcpy(&came, CMSG_DATA(c), sizeof came);
    }
    take_reply(inp[i], in[i].msg_len, &came);
  }
  return n;
}

static int compare(const void* a, const void* b) {
  float x = *(const float*)a, y = *(const float*)b;
  return x < y ? -1 : x > y;
}

static void set_up(void) {
  int on = 1, size = 4 << 20;
  sock = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(sock, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  for (int i = 0; i < BATCH; i++) {
    outv[i] = (struct iovec){outp[i], prepared != NULL ? MAX_REQUEST : PACKET};
    out[i].msg_hdr = (struct msghdr){&server, sizeof server, &outv[i], 1, &outc[i], sizeof outc[i], 0};
    outc[i].align.cmsg_level = IPPROTO_IP;
    outc[i].align.cmsg_type = IP_PKTINFO;
    outc[i].align.cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    inv[i] = (struct iovec){inp[i], sizeof inp[i]};
    in[i].msg_hdr = (struct msghdr){NULL, 0, &inv[i], 1, &inc[i], sizeof inc[i], 0};
  }
}

static double quantile(float* values, uint32_t n, double share) {
  return n > 0 ? values[(uint32_t)((n - 1) * share)] : 0;
}

static void give_up(void) {
  outstanding = 0;
  for (uint32_t i = 0; i < nclients; i++) clients[i].waiting = 0;
}

// Sends what is due by now; requests that find no idle client are lost as well.
static void send_due(uint64_t start, uint64_t rate, uint64_t* due) {
  uint64_t now = (now_ns() - start) * rate / 1000000000u;
  while (*due < now) {
    uint64_t before = result.requests;
    uint32_t want = now - *due < BATCH ? (uint32_t)(now - *due) : BATCH;
    send_requests(outstanding + want);
    *due += want;
    if (result.requests == before) result.requests += want;
  }
}

static void run_window(uint32_t window, uint64_t ms, int pid, uint64_t rate) {
  memset(&result, 0, offsetof(struct result, t3));
  uint64_t due = 0, lost = 0, start = now_ns(), end = start + ms * 1000000u, cpu = cpu_ns(pid);
  while (now_ns() < end) {
    if (rate > 0) {
      send_due(start, rate, &due);
      receive_replies();
      continue;
    }
    send_requests(window);
    if (receive_replies() > 0) continue;
    struct pollfd p = {sock, POLLIN, 0};
    if (poll(&p, 1, 20) == 0) {
      lost += outstanding;
      give_up();
    }
  }
  uint64_t wall = now_ns() - start;
  cpu = cpu_ns(pid) - cpu;
  if (rate > 0) {
    for (uint64_t until = now_ns() + 50000000u; outstanding > 0 && now_ns() < until;) receive_replies();
    lost = result.requests - result.answered;
    give_up();
  }
  qsort(result.t3, result.nerrors, sizeof(float), compare);
  qsort(result.latency, result.nlatencies, sizeof(float), compare);
  qsort(result.t2, result.nlatencies, sizeof(float), compare);
  printf("{\"wallNs\":%llu,\"cpuNs\":%llu,\"requests\":%llu,\"answered\":%llu,\"interleaved\":%llu,\"lost\":%llu,"
         "\"strange\":%llu,\"t3p50\":%.3f,\"t3p99\":%.3f,\"latencyP50\":%.3f,\"latencyP99\":%.3f,\"t2p50\":%.3f,\"t2p99\":%.3f}\n",
         (unsigned long long)wall, (unsigned long long)cpu, (unsigned long long)result.requests,
         (unsigned long long)result.answered, (unsigned long long)result.interleaved, (unsigned long long)lost,
         (unsigned long long)result.strange, quantile(result.t3, result.nerrors, 0.5),
         quantile(result.t3, result.nerrors, 0.99), quantile(result.latency, result.nlatencies, 0.5),
         quantile(result.latency, result.nlatencies, 0.99), quantile(result.t2, result.nlatencies, 0.5),
         quantile(result.t2, result.nlatencies, 0.99));
  fflush(stdout);
}

static void read_prepared(const char* path) {
  FILE* f = fopen(path, "rb");
  prepared = malloc((size_t)nclients * MAX_REQUEST);
  if (f == NULL || prepared == NULL || fread(prepared, MAX_REQUEST, nclients, f) != nclients) exit(1);
  fclose(f);
}

int main(int argc, char** argv) {
  if (argc != 12) return 64;
  server.sin_family = AF_INET;
  server.sin_port = htons((uint16_t)atoi(argv[2]));
  if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) return 64;
  nclients = (uint32_t)atoi(argv[3]);
  uint32_t window = (uint32_t)atoi(argv[4]);
  interleave = atoi(argv[5]);
  int windows = atoi(argv[6]), ms = atoi(argv[7]), pid = atoi(argv[8]);
  struct in_addr first;
  if (inet_pton(AF_INET, argv[9], &first) != 1) return 64;
  first_client = ntohl(first.s_addr);
  clients = calloc(nclients, sizeof *clients);
  if (clients == NULL || nclients == 0) return 1;
  if (strcmp(argv[11], "-") != 0) read_prepared(argv[11]);
  uint64_t rate = strtoull(argv[10], NULL, 10);
  set_up();
  for (int i = 0; i < windows; i++) run_window(window, (uint64_t)ms, pid, rate);
  return 0;
}
