// wsload: a WebSocket load generator for loopback servers, in one C file so that the server is what saturates.
//
// Build:  cc -O2 -o wsload wsload.c
// Usage:  wsload MODE PORT [options]
//   MODE echo       every connection keeps -p messages in flight; the server must echo each of them
//        fanout     every connection listens, connection 0 also sends; the server must send each message to all
//        handshake  connect, upgrade, close, again: -c at a time
//        idle       open -c connections, hold them for -d seconds, report the server's memory per connection
//        active     open -c connections, each sends one message every -r seconds, in turn; the server must echo them
//        flood      the other way round: be a server that sends as fast as they read, once -c clients are there. PORT 0
//                   takes a free one. Prints the port and the process id, and at the end of stdin the share of the time
//                   since then in which it ran: well below 1, or it is what was measured
//   -c N   connections (32)         -p N  messages in flight per connection (1)
//   -s N   payload bytes (20)       -t    text frames (default binary; the payload is ASCII)
//   -d S   seconds measured (3)     -w S  warm-up seconds (1); fractions allowed in both
//   -u P   request path (/)         -P PID  server process: report its CPU time and memory
//   -r S   active: seconds between the messages of a connection (1)
//   -z F   offers permessage-deflate and sends what is in file F in turn: compressed payloads, each behind its length in
//          four bytes (little endian); the answers must be compressed too
// Prints one JSON object. Figures to compare are ratios taken in one run on one machine, and
// msgs_per_cpu_s (messages per second of the server's own CPU time) before msgs_per_s.
// Targets 127.0.0.1 only.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ECHO, FANOUT, SHAKE, IDLE, ACTIVE, FLOOD };   // modes
enum { CONNECTING, HANDSHAKE, OPEN, CLOSED };

typedef struct {
  int fd, state, watches_out;
  // incoming
  char hs[4096]; size_t hs_len;
  uint8_t hdr[14]; int hdr_len; uint64_t need;   // need: payload bytes still to skip of the current frame
  int fin, opcode;
  // outgoing
  uint64_t to_send;      // frames still to be written
  size_t next, off;      // which of the ring is the current one, and the offset inside it
  // latency
  double sent_at[64]; unsigned q_head, q_tail;
} Conn;

static int port, nconn = 32, depth = 1, text = 0; static double secs = 3, warm = 1, every = 1; static long size = 20; static pid_t pid = 0;
static const char *path = "/";
// the frames that are sent in turn, one behind the other; starts has one entry more than there are
static uint8_t *ring, first_byte; static size_t *starts, ring_frames; static const char *compressed;
static int ep; static Conn *conns; static uint64_t received, received_bytes, handshakes, errors;
static double *lat; static size_t lat_n, lat_cap = 2000000;
static int measuring, masked = 1;

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
// All threads of the process, also those that ended, to the nanosecond; /proc counts in hundredths of a second.
static double cpu_of(pid_t p) {
  clockid_t c; struct timespec t;
  if (!p || clock_getcpuclockid(p, &c) || clock_gettime(c, &t)) return 0;
  return t.tv_sec + t.tv_nsec / 1e9;
}
static long rss_of(pid_t p) {
  if (!p) return 0;
  char f[64]; snprintf(f, sizeof f, "/proc/%d/statm", p);
  FILE *h = fopen(f, "r"); if (!h) return 0;
  long a = 0, b = 0; if (fscanf(h, "%ld %ld", &a, &b) != 2) b = 0; fclose(h);
  return b * sysconf(_SC_PAGESIZE);
}

static size_t put_frame(uint8_t *to, const uint8_t *payload, size_t len) {
  size_t n = 0; to[n++] = first_byte;
  const uint8_t mask = masked ? 0x80 : 0;
  if (len < 126) to[n++] = mask | (uint8_t)len;
  else if (len < 65536) { to[n++] = mask | 126; to[n++] = len >> 8; to[n++] = len & 255; }
  else { to[n++] = mask | 127; for (int i = 7; i >= 0; i--) to[n++] = ((uint64_t)len >> (8 * i)) & 255; }
  if (!masked) { memcpy(to + n, payload, len); return n + len; }
  const uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };
  memcpy(to + n, key, 4); n += 4;
  for (size_t i = 0; i < len; i++) to[n + i] = payload[i] ^ key[i & 3];
  return n + len;
}
static void make_ring(void) {
  first_byte = 0x80 | (compressed ? 0x40 : 0) | (text ? 1 : 2);
  if (compressed) {
    FILE *h = fopen(compressed, "rb"); if (!h) { perror(compressed); exit(2); }
    fseek(h, 0, SEEK_END); size_t n = ftell(h); rewind(h);
    uint8_t *in = malloc(n); if (fread(in, 1, n, h) != n) exit(2); fclose(h);
    ring = malloc(n * 4); starts = calloc(n / 4 + 2, sizeof *starts);
    for (size_t at = 0; at + 4 <= n;) {
      size_t len = in[at] | in[at + 1] << 8 | in[at + 2] << 16 | (size_t)in[at + 3] << 24; at += 4;
      starts[ring_frames + 1] = starts[ring_frames] + put_frame(ring + starts[ring_frames], in + at, len);
      ring_frames++; at += len;
    }
    free(in); return;
  }
  ring_frames = size + 14 >= 65536 ? 1 : 65536 / (size + 14); if (masked && ring_frames > 64) ring_frames = 64;
  uint8_t *payload = malloc(size); for (long i = 0; i < size; i++) payload[i] = (uint8_t)('a' + i % 26);
  ring = malloc(ring_frames * (size + 14)); starts = calloc(ring_frames + 1, sizeof *starts);
  for (size_t i = 0; i < ring_frames; i++) starts[i + 1] = starts[i] + put_frame(ring + starts[i], payload, size);
  free(payload);
}
static void watch(Conn *c, int out) {
  if (c->watches_out == out) return;
  c->watches_out = out;
  struct epoll_event e = { .events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c };
  epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static void start(Conn *c) {
  memset(c, 0, sizeof *c);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int one = 1; setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  // spread the source addresses, so that tens of thousands of connections find a free port
  static uint32_t turn; struct sockaddr_in me = { .sin_family = AF_INET };
  me.sin_addr.s_addr = htonl(0x7f000001 + (turn++ / 20000));
  if (turn > 20000) bind(c->fd, (void *)&me, sizeof me);
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001) };
  connect(c->fd, (void *)&a, sizeof a);
  c->state = CONNECTING; c->watches_out = 1;
  struct epoll_event e = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
  epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}
static int reset;   // handshake: end with RST, so that no port waits in TIME_WAIT
static void drop(Conn *c) {
  struct linger now_ = { 1, 0 };
  if (c->fd >= 0 && reset) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now_, sizeof now_);
  if (c->fd >= 0) close(c->fd);
  c->fd = -1; c->state = CLOSED;
}

// 16 writes at most: whoever reads as fast as we write does not keep us from the others.
static void flush(Conn *c) {
  for (int turn = 0; c->to_send && turn < 16; turn++) {
    size_t last = c->next + (c->to_send < ring_frames - c->next ? c->to_send : ring_frames - c->next);
    size_t from = starts[c->next] + c->off;
    ssize_t w = write(c->fd, ring + from, starts[last] - from);
    if (w < 0) { if (errno == EAGAIN) { watch(c, 1); return; } errors++; drop(c); return; }
    size_t at = from + w;
    while (c->next < last && starts[c->next + 1] <= at) { c->next++; c->to_send--; }
    c->off = at - starts[c->next]; if (c->next == ring_frames) c->next = 0;
  }
  watch(c, c->to_send > 0);
}
static void queue(Conn *c, uint64_t n) {
  if (depth == 1) { c->sent_at[c->q_head++ & 63] = now(); }
  c->to_send += n;
}
static int opened;
static int fan;     // fanout: one sender
static void on_open(Conn *c, int mode) {
  opened++; handshakes++;
  if (mode == ECHO) { queue(c, depth); flush(c); }
}
static uint64_t got_in_read;
static void on_message(Conn *c) {
  received++; received_bytes += size; got_in_read++;
  if (depth == 1 && !fan && measuring && lat_n < lat_cap) lat[lat_n++] = now() - c->sent_at[c->q_tail & 63];
  c->q_tail++;
}
static uint8_t *rbuf; static const size_t rcap = 1 << 20;
static void parse(Conn *c, uint8_t *p, size_t n) {
  while (n) {
    if (c->need) {
      uint64_t k = c->need < n ? c->need : n; c->need -= k; p += k; n -= k;
      if (!c->need && c->fin && c->opcode < 8) on_message(c);
      continue;
    }
    int want = 2;
    if (c->hdr_len >= 2) { int l = c->hdr[1] & 127; want = l < 126 ? 2 : l == 126 ? 4 : 10; }
    while (c->hdr_len < want && n) {
      c->hdr[c->hdr_len++] = *p++; n--;
      if (c->hdr_len == 2) { int l = c->hdr[1] & 127; want = l < 126 ? 2 : l == 126 ? 4 : 10; }
    }
    if (c->hdr_len < want) return;
    uint64_t len = c->hdr[1] & 127;
    if (len == 126) len = c->hdr[2] << 8 | c->hdr[3];
    else if (len == 127) { len = 0; for (int i = 2; i < 10; i++) len = len << 8 | c->hdr[i]; }
    c->fin = c->hdr[0] >> 7; c->opcode = c->hdr[0] & 15; c->need = len; c->hdr_len = 0;
    if (c->opcode == 8) { errors++; drop(c); return; }
    if (c->hdr[0] != first_byte || (!compressed && len != (uint64_t)size)) { if (c->opcode < 8) errors++; }   // not our message
    if (!len && c->fin && c->opcode < 8) on_message(c);
  }
}
static void readable(Conn *c, int mode) {
  for (;;) {
    ssize_t n = read(c->fd, rbuf, rcap);
    if (n < 0) { if (errno != EAGAIN) { errors++; drop(c); } return; }
    if (n == 0) { if (mode != SHAKE) errors++; drop(c); return; }
    uint8_t *p = rbuf; size_t left = n;
    if (c->state == HANDSHAKE) {
      size_t k = sizeof c->hs - 1 - c->hs_len; if (k > left) k = left;
      memcpy(c->hs + c->hs_len, p, k); c->hs_len += k; c->hs[c->hs_len] = 0;
      char *e = strstr(c->hs, "\r\n\r\n"); if (!e) { if (c->hs_len == sizeof c->hs - 1) { errors++; drop(c); } return; }
      if (strncmp(c->hs, "HTTP/1.1 101", 12)) { errors++; drop(c); return; }
      size_t used = (e + 4 - c->hs) - (c->hs_len - k); p += used; left -= used;
      c->state = OPEN; on_open(c, mode); if (c->state == CLOSED) return;
      if (mode == SHAKE) { drop(c); return; }
    }
    got_in_read = 0; parse(c, p, left); if (c->state == CLOSED) return;
    if (mode == ECHO && got_in_read) { queue(c, got_in_read); flush(c); if (c->state == CLOSED) return; }
    if ((size_t)n < rcap) return;
  }
}
static void event(Conn *c, uint32_t ev, int mode) {
  if (c->state == CLOSED) return;
  if (c->state == CONNECTING) {
    int err = 0; socklen_t l = sizeof err; getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
    if (err) { errors++; drop(c); return; }
    char req[512]; int n = snprintf(req, sizeof req,
      "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, port,
      compressed ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "");
    if (write(c->fd, req, n) != n) { errors++; drop(c); return; }
    c->state = HANDSHAKE; watch(c, 0); return;
  }
  if (ev & EPOLLOUT) flush(c);
  if (c->state != CLOSED && (ev & (EPOLLIN | EPOLLHUP | EPOLLERR))) readable(c, mode);
}
static void spin(double until, int mode, uint64_t in_flight) {
  struct epoll_event ev[512]; static uint64_t sent;   // fanout: what the last spin left under way still is
  while (now() < until) {
    if (mode == ACTIVE) {      // each in its turn; `turn` goes on from spin to spin
      static uint64_t turn; static double began; if (!began) began = now();
      for (uint64_t due = (now() - began) * nconn / every; turn < due; turn++) {
        Conn *c = &conns[turn % nconn]; if (c->state == OPEN) { queue(c, 1); flush(c); }
      }
    }
    if (mode == FANOUT) {           // fanout: keep `in_flight` broadcasts outstanding
      uint64_t seen = received / nconn;
      if (sent < seen + in_flight) { uint64_t k = seen + in_flight - sent; conns[0].to_send += k; sent += k; flush(&conns[0]); }
    }
    int n = epoll_wait(ep, ev, 512, mode == ACTIVE ? 5 : 50);
    for (int i = 0; i < n; i++) {
      Conn *c = ev[i].data.ptr; event(c, ev[i].events, mode);
      if (mode == SHAKE && c->state == CLOSED) start(c);
    }
  }
}
// flood: the answer to a handshake needs SHA-1 and base64.
static uint32_t rol(uint32_t x, int n) { return x << n | x >> (32 - n); }
static void sha1(const char *text, uint8_t out[20]) {
  uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
  uint8_t in[128] = { 0 }; size_t len = strlen(text), blocks = len + 9 > 64 ? 2 : 1;   // 60 characters: always two
  memcpy(in, text, len); in[len] = 0x80; in[blocks * 64 - 2] = len * 8 >> 8; in[blocks * 64 - 1] = len * 8 & 255;
  for (size_t b = 0; b < blocks; b++) {
    uint32_t w[80], v[5]; memcpy(v, h, sizeof v);
    for (int i = 0; i < 16; i++) { const uint8_t *p = in + b * 64 + i * 4; w[i] = (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
    for (int i = 16; i < 80; i++) w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
      uint32_t f = i < 20 ? (v[1] & v[2]) | (~v[1] & v[3]) : i >= 40 && i < 60 ? (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3]) : v[1] ^ v[2] ^ v[3];
      uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
      uint32_t t = rol(v[0], 5) + f + v[4] + k + w[i]; v[4] = v[3]; v[3] = v[2]; v[2] = rol(v[1], 30); v[1] = v[0]; v[0] = t;
    }
    for (int i = 0; i < 5; i++) h[i] += v[i];
  }
  for (int i = 0; i < 20; i++) out[i] = h[i / 4] >> (24 - i % 4 * 8);
}
static void accept_of(const char *key, char out[29]) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char text[128]; uint8_t sum[21] = { 0 }; snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key); sha1(text, sum);
  for (int i = 0; i < 7; i++) {
    uint32_t n = sum[i * 3] << 16 | sum[i * 3 + 1] << 8 | sum[i * 3 + 2];
    for (int j = 0; j < 4; j++) out[i * 4 + j] = digits[n >> (18 - j * 6) & 63];
  }
  out[27] = '='; out[28] = 0;
}
static void answer(Conn *c) {
  ssize_t n = read(c->fd, c->hs + c->hs_len, sizeof c->hs - 1 - c->hs_len);
  if (n <= 0) { if (n == 0 || errno != EAGAIN) drop(c); return; }
  c->hs_len += n; c->hs[c->hs_len] = 0;
  if (!strstr(c->hs, "\r\n\r\n")) return;
  const char *key = strcasestr(c->hs, "sec-websocket-key:"); if (!key) { drop(c); return; }
  for (key += 18; *key == ' '; key++) {}
  char accept[29], head[256]; accept_of(key, accept);
  int k = snprintf(head, sizeof head, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
  if (write(c->fd, head, k) != k) { drop(c); return; }
  c->state = OPEN; opened++;
  // all at once: who is flooded may not get to connect again
  if (opened == nconn) for (int i = 0; i < nconn; i++) if (conns[i].state == OPEN) { conns[i].to_send = UINT64_MAX; flush(&conns[i]); }
}
static int flood(void) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), taken = 0;
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001) }; socklen_t l = sizeof a;
  if (bind(listener, (void *)&a, sizeof a) || listen(listener, 1024) || getsockname(listener, (void *)&a, &l)) { perror("wsload"); return 2; }
  struct epoll_event e = { .events = EPOLLIN, .data.ptr = &listener }, end = { .events = EPOLLIN, .data.ptr = &port }, ev[512];
  epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e); epoll_ctl(ep, EPOLL_CTL_ADD, 0, &end);
  printf("%d %d\n", ntohs(a.sin_port), getpid()); fflush(stdout);
  double t0 = 0, c0 = 0;
  for (;;) {
    int n = epoll_wait(ep, ev, 512, -1);
    for (int i = 0; i < n; i++) {
      if (ev[i].data.ptr == &port) {   // stdin: whoever started us leaves
        printf("{\"share\":%.3f}\n", t0 ? (cpu_of(getpid()) - c0) / (now() - t0) : 0); return 0;
      }
      if (ev[i].data.ptr == &listener) {
        for (int fd; taken < nconn && (fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0;) {
          Conn *c = &conns[taken++]; c->fd = fd; c->state = HANDSHAKE;
          int one = 1; setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          struct epoll_event in = { .events = EPOLLIN, .data.ptr = c }; epoll_ctl(ep, EPOLL_CTL_ADD, fd, &in);
        }
        continue;
      }
      Conn *c = ev[i].data.ptr;
      if (c->state == HANDSHAKE) {
        answer(c); if (!t0 && opened == nconn) { c0 = cpu_of(getpid()); t0 = now(); }   // not while it waits for clients
        continue;
      }
      if (c->state == OPEN && ev[i].events & EPOLLOUT) flush(c);
      if (c->state == OPEN && ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {   // pongs, a close frame: not ours to answer
        ssize_t got = read(c->fd, rbuf, rcap); if (got == 0 || (got < 0 && errno != EAGAIN)) drop(c);
      }
    }
  }
}
static int cmp(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return x < y ? -1 : x > y; }

int main(int argc, char **argv) {
  if (argc < 3) { fprintf(stderr, "usage: wsload echo|fanout|handshake|idle|active|flood PORT [-c N] [-p N] [-s N] [-t] [-d S] [-w S] [-r S] [-u PATH] [-P PID] [-z FILE]\n"); return 2; }
  static const char *const modes[] = { "echo", "fanout", "handshake", "idle", "active", "flood" };
  int mode = 0; while (mode <= FLOOD && strcmp(argv[1], modes[mode])) mode++;
  signal(SIGPIPE, SIG_IGN);   // a client that left is an errno to us
  if (mode > FLOOD) { fprintf(stderr, "wsload: unknown mode %s\n", argv[1]); return 2; }
  port = atoi(argv[2]); fan = mode == FANOUT; reset = mode == SHAKE; masked = mode != FLOOD; optind = 3;
  for (int o; (o = getopt(argc, argv, "c:p:s:td:w:r:u:P:z:")) != -1;) switch (o) {
    case 'c': nconn = atoi(optarg); break; case 'p': depth = atoi(optarg); break; case 's': size = atol(optarg); break;
    case 't': text = 1; break; case 'd': secs = atof(optarg); break; case 'w': warm = atof(optarg); break;
    case 'r': every = atof(optarg); break; case 'z': compressed = optarg; break;
    case 'u': path = optarg; break; case 'P': pid = atoi(optarg); break; default: return 2; }
  make_ring(); rbuf = malloc(rcap); lat = malloc(lat_cap * sizeof *lat); conns = calloc(nconn, sizeof *conns);
  ep = epoll_create1(0); if (mode == FLOOD) return flood();
  long rss0 = rss_of(pid);
  struct epoll_event ev[512]; double t_open = now();
  for (int i = 0; i < nconn; i++) {
    start(&conns[i]);
    if (mode != SHAKE && i % 128 == 127) { while (opened + (int)errors < i - 64 && now() - t_open < 60) { int n = epoll_wait(ep, ev, 512, 100); for (int j = 0; j < n; j++) event(ev[j].data.ptr, ev[j].events, mode == ECHO ? IDLE : mode); } }
  }
  if (mode != SHAKE) while (opened + (int)errors < nconn && now() - t_open < 60) { int n = epoll_wait(ep, ev, 512, 100); for (int j = 0; j < n; j++) event(ev[j].data.ptr, ev[j].events, mode == ECHO ? IDLE : mode); }
  if (mode == ECHO) for (int i = 0; i < nconn; i++) if (conns[i].state == OPEN) { queue(&conns[i], depth); flush(&conns[i]); }
  spin(now() + warm, mode, depth);
  long rss1 = rss_of(pid);
  uint64_t r0 = received, h0 = handshakes; double c0 = cpu_of(pid), t0 = now(); measuring = 1;
  spin(t0 + secs, mode, depth);
  double dt = now() - t0, cpu = cpu_of(pid) - c0; uint64_t r = received - r0, h = handshakes - h0;
  qsort(lat, lat_n, sizeof *lat, cmp);
  printf("{\"mode\":\"%s\",\"connections\":%d,\"opened\":%d,\"depth\":%d,\"size\":%ld,\"seconds\":%.2f,\"errors\":%lu,", argv[1], nconn, opened, depth, size, dt, (unsigned long)errors);
  if (mode == SHAKE) printf("\"handshakes_per_s\":%.0f,\"handshakes_per_cpu_s\":%.0f,", h / dt, cpu > 0 ? h / cpu : 0);
  else if (mode == IDLE) printf("\"rss_before\":%ld,\"rss_open\":%ld,\"bytes_per_connection\":%.0f,", rss0, rss1, opened ? (double)(rss1 - rss0) / opened : 0);
  else printf("\"msgs\":%lu,\"msgs_per_s\":%.0f,\"mb_per_s\":%.1f,\"msgs_per_cpu_s\":%.0f,", (unsigned long)r, r / dt, r / dt * size / 1e6, cpu > 0 ? r / cpu : 0);
  if (lat_n) printf("\"p50_us\":%.1f,\"p99_us\":%.1f,", lat[lat_n / 2] * 1e6, lat[(size_t)(lat_n * 0.99)] * 1e6);
  printf("\"server_cpu_s\":%.4f,\"server_grown\":%ld,\"server_rss\":%ld}\n", cpu, rss_of(pid) - rss0, rss_of(pid));
  return errors > 0;
}
