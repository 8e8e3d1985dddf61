/*
 * wsload - a neutral WebSocket load generator. C, epoll, one thread, no
 * dependencies.   cc -O2 -Wall -o wsload wsload.c
 * With zlib (cc -O2 -Wall -DWSLOAD_ZLIB -o wsload wsload.c -lz) it also has
 * --compress: messages go out compressed and every reply is inflated.
 *
 * Frames are masked and laid out before the run starts, so the hot loop is
 * epoll_wait / recv / (compare) / send only. See README.md for the options.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef WSLOAD_ZLIB
#include <zlib.h>
#endif

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

enum { M_ECHO, M_IDLE, M_FANOUT, M_HTTP, M_RECOVER };
enum { S_CONNECTING, S_HANDSHAKE, S_OPEN };
enum { P_ASCII, P_UTF8, P_JSON, P_RANDOM };

/* ---- options ---------------------------------------------------------- */
static int o_mode, o_port = 9001, o_conns = 64, o_depth = 1, o_binary = 0,
           o_payload = -1, o_deflate = 0, o_check = 8, o_spin = 0, o_cpu = -1,
           o_conc = 64, o_touch = 0, o_persrc = 2000, o_srcbase = -1,
           o_compress = 0, o_level = 6, o_takeover = 0, o_holdstdin = 0,
           o_sio = 0, o_pubhttp = 0, o_post = 0, o_expect = 300;
static double o_time = 5, o_warm = 1, o_hold = 3, o_stall = 10;
static size_t o_size = 64;
static const char *o_path = "/echo", *o_pubpath = NULL, *o_subpath = NULL, *o_label = "",
                  *o_dparams = "", *o_proto = NULL, *o_host = "127.0.0.1";
static int pids[64], npids;

/* ---- small helpers ---------------------------------------------------- */
static void json_str(FILE *f, const char *s) {
  fputc('"', f);
  for (; *s; s++) {
    unsigned char c = *s;
    if (c == '"' || c == '\\') fprintf(f, "\\%c", c);
    else if (c < 32 || c > 126) fprintf(f, "\\u%04x", c);
    else fputc(c, f);
  }
  fputc('"', f);
}

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...) {
  char b[1024];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(b, sizeof b, fmt, ap);
  va_end(ap);
  fprintf(stderr, "wsload: %s\n", b);
  printf("{\"label\":");
  json_str(stdout, o_label);
  printf(",\"error\":");
  json_str(stdout, b);
  printf("}\n");
  exit(2);
}

static inline u64 now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (u64)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static u64 rng_s = 0x9E3779B97F4A7C15ull;
static u32 rnd(void) {
  rng_s ^= rng_s << 13; rng_s ^= rng_s >> 7; rng_s ^= rng_s << 17;
  return (u32)(rng_s >> 16);
}

static void *xalloc(size_t n) {
  void *p = calloc(1, n ? n : 1);
  if (!p) die("out of memory (%zu bytes)", n);
  return p;
}

/* SHA-1, for Sec-WebSocket-Accept only */
static void sha1(const u8 *d, size_t n, u8 out[20]) {
  u32 h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  u8 m[256] = {0};
  size_t tot = ((n + 8) / 64 + 1) * 64;
  if (tot > sizeof m) die("sha1 input too long");
  memcpy(m, d, n);
  m[n] = 0x80;
  for (int i = 0; i < 8; i++) m[tot - 1 - i] = (u8)(((u64)n * 8) >> (8 * i));
#define ROL(x, k) (((x) << (k)) | ((x) >> (32 - (k))))
  for (size_t o = 0; o < tot; o += 64) {
    u32 w[80];
    for (int i = 0; i < 16; i++)
      w[i] = (u32)m[o + 4 * i] << 24 | m[o + 4 * i + 1] << 16 | m[o + 4 * i + 2] << 8 | m[o + 4 * i + 3];
    for (int i = 16; i < 80; i++) w[i] = ROL(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    u32 a = h[0], b = h[1], c = h[2], e = h[4], dd = h[3];
    for (int i = 0; i < 80; i++) {
      u32 f, k;
      if (i < 20) f = (b & c) | (~b & dd), k = 0x5A827999;
      else if (i < 40) f = b ^ c ^ dd, k = 0x6ED9EBA1;
      else if (i < 60) f = (b & c) | (b & dd) | (c & dd), k = 0x8F1BBCDC;
      else f = b ^ c ^ dd, k = 0xCA62C1D6;
      u32 t = ROL(a, 5) + f + e + k + w[i];
      e = dd; dd = c; c = ROL(b, 30); b = a; a = t;
    }
    h[0] += a; h[1] += b; h[2] += c; h[3] += dd; h[4] += e;
  }
  for (int i = 0; i < 5; i++) {
    out[4 * i] = h[i] >> 24; out[4 * i + 1] = h[i] >> 16;
    out[4 * i + 2] = h[i] >> 8; out[4 * i + 3] = h[i];
  }
}

static void b64(const u8 *d, size_t n, char *o) {
  static const char T[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i += 3) {
    u32 v = d[i] << 16 | (i + 1 < n ? d[i + 1] << 8 : 0) | (i + 2 < n ? d[i + 2] : 0);
    *o++ = T[v >> 18]; *o++ = T[v >> 12 & 63];
    *o++ = i + 1 < n ? T[v >> 6 & 63] : '=';
    *o++ = i + 2 < n ? T[v & 63] : '=';
  }
  *o = 0;
}

/* ---- latency histogram: 128 linear steps per power of two (<0.8%) ------ */
#define HSUB 128
static u64 hist[(64 - 6) * HSUB], hist_n;
static u64 hist_max;
static inline void hist_add(u64 v) {
  u32 i;
  if (v < HSUB) i = v;
  else {
    int e = 63 - __builtin_clzll(v);           /* >= 7 */
    i = (u32)(e - 6) * HSUB + (u32)((v >> (e - 7)) - HSUB);
  }
  hist[i]++; hist_n++;
  if (v > hist_max) hist_max = v;
}
static double hist_q(double q) {
  u64 want = (u64)(q * hist_n), c = 0;
  if (!hist_n) return 0;
  if (want >= hist_n) want = hist_n - 1;
  for (size_t i = 0; i < sizeof hist / sizeof *hist; i++) {
    c += hist[i];
    if (c > want) {
      if (i < HSUB) return i;
      int e = i / HSUB + 6;
      return (double)((u64)(HSUB + i % HSUB) << (e - 7));
    }
  }
  return hist_max;
}

/* ---- payloads and frames ---------------------------------------------- */
/* A variant holds a ring of `o_ring` different messages already framed and masked,
 * followed by a copy of the first `depth`, so any batch is one contiguous send.
 * Connection i walks the ring of variant i % nvar. With compression the ring is
 * longer than the 32 KB window, or context takeover would only see repeats. */
typedef struct {
  u8 *frames, *plain;
  u32 *at;                 /* compressed: where each message's frame starts; at[o_ring] is the ring's length */
  u64 bytes;               /* length of the ring */
} variant;
static variant *var;
static int nvar, o_ring;
static size_t frame_len;

static size_t frame_hdr(u8 *p, int op, size_t n, const u8 key[4]) {
  size_t h;
  p[0] = 0x80 | op;
  if (n < 126) p[1] = 0x80 | n, h = 2;
  else if (n < 65536) p[1] = 0x80 | 126, p[2] = n >> 8, p[3] = n, h = 4;
  else {
    p[1] = 0x80 | 127, h = 10;
    for (int i = 0; i < 8; i++) p[2 + i] = (u64)n >> (56 - 8 * i);
  }
  memcpy(p + h, key, 4);
  return h + 4;
}
static void new_key(u8 k[4]) { for (int i = 0; i < 4; i++) k[i] = 1 + rnd() % 255; }

static size_t put_frame(u8 *dst, int op, const u8 *pl, size_t n) {
  u8 k[4];
  new_key(k);
  size_t h = frame_hdr(dst, op, n, k);  /* op may carry RSV1 (0x40) */
  for (size_t i = 0; i < n; i++) dst[h + i] = pl[i] ^ k[i & 3];
  return h + n;
}

/* Socket.IO: an event packet ("42") of engine.io, the same in both directions */
#define SIO_HEAD "42[\"m\",\""
#define SIO_TAIL "\"]"
#define SIO_WRAP (sizeof SIO_HEAD - 1 + sizeof SIO_TAIL - 1)

static void fill_payload(u8 *p, size_t n, u64 id) {
  size_t i = 0;
  if (o_sio) {
    memcpy(p, SIO_HEAD, sizeof SIO_HEAD - 1);
    memcpy(p + n - (sizeof SIO_TAIL - 1), SIO_TAIL, sizeof SIO_TAIL - 1);
    p += sizeof SIO_HEAD - 1, n -= SIO_WRAP;
  }
  char tag[32];
  if (o_payload == P_JSON) snprintf(tag, sizeof tag, "{\"id\":%u,\"rows\":[", (u32)id % 100000 + 100000);
  else snprintf(tag, sizeof tag, "%08x:", (u32)id);
  size_t tl = strlen(tag);
  if (n >= tl) memcpy(p, tag, tl), i = tl;
  if (o_payload == P_RANDOM) {
    for (; i < n; i++) p[i] = rnd();
  } else if (o_payload == P_ASCII) {
    for (; i < n; i++) {
      p[i] = 32 + rnd() % 95;
      if (o_sio && (p[i] == '"' || p[i] == '\\')) p[i] = '.';
    }
  } else if (o_payload == P_UTF8) {
    /* every character is non-ASCII: 2, 3 and 4 byte sequences; '.' pads the tail */
    static const char *const C[] = {"\xd0\x9f", "\xd1\x80", "\xd0\xb8", "\xd0\xb2", "\xd0\xb5", "\xd1\x82",
      "\xe3\x81\x93", "\xe3\x82\x93", "\xe3\x81\xab", "\xe4\xb8\x96", "\xe7\x95\x8c", "\xe2\x82\xac",
      "\xc3\xa9", "\xc3\xbc", "\xf0\x9f\x98\x80", "\xf0\x9f\x9a\x80"};
    for (;;) {
      const char *c = C[rnd() % 16];
      size_t l = strlen(c);
      if (i + l > n) break;
      memcpy(p + i, c, l), i += l;
    }
    for (; i < n; i++) p[i] = '.';
  } else { /* JSON-like rows */
    static const char *const W[] = {"alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"};
    while (i < n) {
      char row[160];
      int l = snprintf(row, sizeof row,
        "{\"symbol\":\"%s-%u\",\"price\":%u.%02u,\"volume\":%u,\"side\":\"%s\",\"time\":\"2026-11-%02uT%02u:%02u:%02uZ\"},",
        W[rnd() % 8], rnd() % 100, rnd() % 1000, rnd() % 100, rnd() % 100000, rnd() & 1 ? "buy" : "sell",
        1 + rnd() % 28, rnd() % 24, rnd() % 60, rnd() % 60);
      for (int k = 0; k < l && i < n; k++) p[i++] = row[k];
    }
    if (n >= 2) p[n - 2] = ']', p[n - 1] = '}';
  }
}

/* ---- permessage-deflate (RFC 7692), with zlib -------------------------- */
#ifdef WSLOAD_ZLIB
static z_stream zdef;
static u8 *zout;

static size_t zbound(void) { return compressBound(o_size) + 64; }

static void zinit(void) {
  if (deflateInit2(&zdef, o_level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) die("deflateInit2");
  zout = xalloc(zbound());
}

/* One message as RFC 7692 7.2.1 wants it: an empty stored block ends it, whose last four bytes are cut off.
 * With takeover the context is kept along the ring and dropped at its start, so that the same bytes
 * are right in every lap: nothing in a lap refers to what came before it. */
static size_t zmessage(const u8 *pl, int first) {
  if (!o_takeover || first) deflateReset(&zdef);
  zdef.next_in = (u8 *)pl, zdef.avail_in = o_size;
  zdef.next_out = zout, zdef.avail_out = zbound();
  if (deflate(&zdef, Z_SYNC_FLUSH) != Z_OK || zdef.avail_in) die("deflate");
  size_t n = zbound() - zdef.avail_out;
  if (n < 4 || memcmp(zout + n - 4, "\0\0\377\377", 4)) die("deflate left no empty block");
  return n - 4;
}

static void *inflater(void) {
  z_stream *z = xalloc(sizeof *z);
  if (inflateInit2(z, -15) != Z_OK) die("inflateInit2");
  return z;
}

/* the whole message in `in` (room for the four bytes behind it); returns its inflated bytes, exactly o_size of them */
static const u8 *zinflate(z_stream *z, u8 *in, size_t n, int conn_no) {
  static u8 *out;
  if (!out) out = xalloc(o_size + 64);
  memcpy(in + n, "\0\0\377\377", 4);
  z->next_in = in, z->avail_in = n + 4;
  z->next_out = out, z->avail_out = o_size + 64;
  int r = inflate(z, Z_SYNC_FLUSH);
  if ((r != Z_OK && r != Z_BUF_ERROR) || z->avail_in) die("a reply does not inflate (conn %d): %s", conn_no, z->msg ? z->msg : "too long");
  if (o_size + 64 - z->avail_out != o_size)
    die("a reply inflates to %zu bytes, expected %zu (conn %d)", o_size + 64 - z->avail_out, o_size, conn_no);
  if (!o_takeover) inflateReset(z);
  return out;
}
#endif

/* ---- HTTP/1.1 ---------------------------------------------------------- */
static size_t put_request(u8 *dst, const char *path, const u8 *pl, size_t n) {
  char h[512];
  int l = snprintf(h, sizeof h, "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                   path, o_host, o_port, o_binary ? "application/octet-stream" : "text/plain", n);
  if (dst) memcpy(dst, h, l), memcpy(dst + l, pl, n);
  return l + n;
}

static void build_variants(void) {
  size_t h = o_size < 126 ? 6 : o_size < 65536 ? 8 : 14;
  frame_len = o_mode == M_HTTP ? put_request(NULL, o_path, NULL, o_size)
            : o_pubhttp ? put_request(NULL, o_pubpath, NULL, o_size) : h + o_size;
  size_t room = frame_len;
#ifdef WSLOAD_ZLIB
  if (o_compress) zinit(), room = zbound() + 14;
#endif
  if (o_mode == M_FANOUT) o_ring = o_depth;
  else if (!o_ring) {
    size_t want = o_deflate ? (128u << 10) / (o_size + 1) + 1 : 0;
    o_ring = want > (size_t)o_depth ? (int)want : o_depth;
  }
  if (o_ring < o_depth) o_ring = o_depth;
  size_t per = room * (o_ring + o_depth) + o_size * o_ring;
  nvar = o_conns < 64 ? o_conns : 64;
  while (nvar > 4 && per * nvar > (8u << 20)) nvar--;
  while (nvar > 1 && per * nvar > (64u << 20)) nvar--;
  if (o_mode == M_FANOUT || o_mode == M_RECOVER) { nvar = 1; return; }
  var = xalloc(sizeof *var * nvar);
  for (int v = 0; v < nvar; v++) {
    u8 *f = var[v].frames = xalloc(room * (o_ring + o_depth));
    var[v].plain = xalloc(o_size * o_ring);
    if (o_compress) var[v].at = xalloc(sizeof(u32) * (o_ring + 1));
    for (int d = 0; d < o_ring; d++) {
      u8 *pl = var[v].plain + o_size * d;
      fill_payload(pl, o_size, (u64)v * 65537 + d);
      if (o_mode == M_HTTP) f += put_request(f, o_path, pl, o_size);
#ifdef WSLOAD_ZLIB
      else if (o_compress) {
        size_t n = zmessage(pl, d == 0);
        var[v].at[d] = f - var[v].frames;
        f += put_frame(f, 0x40 | (o_binary ? 2 : 1), zout, n);
        var[v].at[d + 1] = f - var[v].frames;
      }
#endif
      else f += put_frame(f, o_binary ? 2 : 1, pl, o_size);
    }
    var[v].bytes = f - var[v].frames;
    memcpy(f, var[v].frames, o_compress ? var[v].at[o_depth] : frame_len * o_depth);
  }
}

/* ---- connections ------------------------------------------------------ */
typedef struct {
  int fd;
  u8 state, want_out, is_pub, is_sub, http, hlen, op, fin, in_msg, rsv1, checking, nctl, pong_due;
  u8 sio, sio_due;         /* Socket.IO: how far its greeting is; what is to be answered */
  u8 msg[8];               /* its beginning, for Socket.IO */
  u8 hdr[14];
  u64 rem;                 /* payload bytes left in this frame */
  u64 moff;                /* message bytes so far (uncompressed messages) */
  u64 nrecv;               /* messages received */
  u64 spos, send;          /* bytes sent / to send, over the ring of frames */
  u64 *ts;                 /* send times, ring of depth */
  u64 nsent;
  u8 *ctl;                 /* control payload */
  u8 *hs;                  /* handshake buffer, freed when open; http: the response's head */
  u8 *zin;                 /* a compressed reply, until it is whole */
  void *z;                 /* takeover: this connection's inflater */
  int hsn, budget, v;
  char accept[32];
} conn;

static conn *cs;
static int nconn, ep;
static struct sockaddr_in dst;
static char negotiated[256];

/* fan-out state */
static u64 f_seq, *f_ts;
static u32 *f_rem;
static u8 *f_plain, *f_frame;
static int f_due;

static u64 t_now, w_start, w_end, last_progress;
static int measuring;
static u64 n_msgs, n_bytes, n_sent_bytes, n_pub_recv, n_compressed, n_frames, n_pings, n_recv_calls, n_send_calls, n_polls;
static u64 n_delivered;
static int n_open, n_ready, n_done, next_conn, inflight, stopping;

static void watch(conn *c, int out) {
  if (c->want_out == out) return;
  struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
  c->want_out = out;
  if (epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e)) die("epoll_ctl: %s", strerror(errno));
}

static void send_pong(conn *c) {
  u8 b[140];
  size_t n = put_frame(b, 10, c->ctl, c->nctl);
  if (send(c->fd, b, n, MSG_NOSIGNAL) != (ssize_t)n) die("pong not sent whole");
  c->pong_due = 0;
}

/* Socket.IO: "40" joins the namespace, "3" answers engine.io's ping */
enum { SIO_OPENING = 1, SIO_JOINING, SIO_JOINED };
static void send_sio(conn *c) {
  u8 b[16];
  const char *packet = c->sio_due == SIO_JOINING ? "40" : "3";
  size_t n = put_frame(b, 1, (const u8 *)packet, strlen(packet));
  if (send(c->fd, b, n, MSG_NOSIGNAL) != (ssize_t)n) die("engine.io packet not sent whole");
  c->sio_due = 0;
}

/* send what is due from the ring [buf, 2*ring) */
static void flush_ring(conn *c, const u8 *buf, u64 ring) {
  while (c->spos < c->send) {
    u64 off = c->spos % ring;
    ssize_t r = send(c->fd, buf + off, c->send - c->spos, MSG_NOSIGNAL);
    n_send_calls++;
    if (r < 0) {
      if (errno == EAGAIN) { watch(c, 1); return; }
      die("send: %s (conn %d)", strerror(errno), (int)(c - cs));
    }
    c->spos += r;
    if (measuring) n_sent_bytes += r;
  }
  if (c->want_out) watch(c, 0);
  if (c->pong_due) send_pong(c);
  if (c->sio_due) send_sio(c);
}
static void flush_conn(conn *c) {
  if (c->is_sub || o_mode == M_RECOVER) { flush_ring(c, NULL, 1); return; }
  if (c->is_pub) flush_ring(c, f_frame, (u64)frame_len * o_depth);
  else flush_ring(c, var[c->v].frames, var[c->v].bytes);
}

static void queue_msgs(conn *c, int k, u64 t) {
  for (int i = 0; i < k; i++) c->ts[c->nsent++ % o_depth] = t;
  const variant *v = &var[c->v];
  if (o_compress) c->send = c->nsent / o_ring * v->bytes + v->at[c->nsent % o_ring];
  else c->send += (u64)k * frame_len;
  flush_conn(c);
}

static void publish_due(void) {
  conn *p = &cs[o_conns];
  int k = f_due;
  u64 t = now_ns();
  f_due = 0;
  for (int i = 0; i < k; i++) {
    u32 s = f_seq % o_depth;
    u8 *pl = f_plain + o_size * s;
    if (o_size >= 9 + SIO_WRAP * o_sio) {
      char tag[16];
      snprintf(tag, sizeof tag, "%08x:", (u32)f_seq);
      memcpy(pl + (o_sio ? sizeof SIO_HEAD - 1 : 0), tag, 9);
    }
    if (o_pubhttp) put_request(f_frame + frame_len * s, o_pubpath, pl, o_size);
    else put_frame(f_frame + frame_len * s, o_binary ? 2 : 1, pl, o_size);
    memcpy(f_frame + frame_len * (s + o_depth), f_frame + frame_len * s, frame_len);
    f_rem[s] = o_conns;
    f_ts[s] = t;
    f_seq++;
  }
  p->send += (u64)k * frame_len;
  flush_conn(p);
}

static const u8 *expected(conn *c) {
  u64 s = c->nrecv % o_ring; /* fan-out: the ring is as long as the depth */
  return o_mode == M_FANOUT ? f_plain + o_size * s : var[c->v].plain + o_size * s;
}

static int batch_k; /* replies seen in the current recv, echo mode */

static void ready(conn *c);

/* Packets of engine.io that are no events: the greeting (open, then the answer to "40"), and pings. Returns 0 for events. */
static int sio_packet(conn *c) {
  if (c->msg[0] == '2' && c->moff == 1) c->sio_due = SIO_JOINED;
  else if (c->sio == SIO_OPENING) {
    if (c->msg[0] != '0') die("engine.io: no open packet (conn %d)", (int)(c - cs));
    c->sio = c->sio_due = SIO_JOINING;
  } else if (c->sio == SIO_JOINING) {
    if (c->msg[0] != '4' || c->msg[1] != '0') die("Socket.IO: not connected (conn %d)", (int)(c - cs));
    c->sio = SIO_JOINED;
    ready(c);
    return 1;
  } else return 0;
  if (c->spos == c->send) send_sio(c);
  return 1;
}

/* An enveloped message to somebody who returns: all that was missed, in order, once. */
static void on_recovery(conn *c) {
  char *m = (char *)c->zin, *d;
  m[c->moff] = 0;
  last_progress = t_now;
  if (!strncmp(m, "{\"type\":\"heartbeat\"", 19)) return;
  if (!strncmp(m, "{\"type\":\"subscribed\"", 20)) {
    if (c->checking++) die("subscribed twice (conn %d)", (int)(c - cs));
    if (!strstr(m, "\"recovered\":true")) die("not recovered (conn %d): %.200s", (int)(c - cs), m);
    return;
  }
  if (!c->checking || strncmp(m, "{\"type\":\"publication\"", 21)) die("conn %d: %.200s", (int)(c - cs), m);
  if (!(d = strstr(m, "\"data\":\"")) || strtoul(d + 8, NULL, 16) != c->nrecv)
    die("conn %d: not publication %llu: %.200s", (int)(c - cs), (unsigned long long)c->nrecv, m);
  if (++c->nrecv > (u64)o_expect) die("conn %d was given more than %d", (int)(c - cs), o_expect);
  n_msgs++;
  if (c->nrecv == (u64)o_expect) { n_done++; hist_add(t_now - w_start); }
}

static void on_message(conn *c) {
  if (o_mode == M_RECOVER) { on_recovery(c); return; }
  if (c->sio && sio_packet(c)) return;
  if (c->is_pub) { n_pub_recv++; return; }
  if (o_post && !c->is_sub) {
  } else if (!c->rsv1) {
    if (c->moff != o_size) die("message of %llu bytes, expected %zu (conn %d, msg %llu)",
        (unsigned long long)c->moff, o_size, (int)(c - cs), (unsigned long long)c->nrecv);
  } else if (measuring) n_compressed++;
  if (c->is_sub) {
    c->nrecv++;
    if (measuring) n_delivered++;
  } else if (o_mode == M_FANOUT) {
    u32 s = c->nrecv % o_depth;
    if (c->nrecv >= f_seq) die("subscriber %d got more messages than were published", (int)(c - cs));
    c->nrecv++;
    if (measuring) n_msgs++;
    if (--f_rem[s] == 0) {
      if (measuring) hist_add(t_now - f_ts[s]);
      f_due++;
    }
  } else {
    if (c->nrecv >= c->nsent) die("reply without a request (conn %d)", (int)(c - cs));
    u64 t = c->ts[c->nrecv % o_depth];
    c->nrecv++;
    if (measuring) { n_msgs++; hist_add(t_now - t); }
    batch_k++;
  }
  last_progress = t_now;
}

#define RECOVERY_MAX 4000
static void begin_frame(conn *c, int b0, u64 len) {
  int op = b0 & 15, fin = b0 >> 7;
  if (measuring) n_frames++;
  if (b0 & 0x30) die("RSV2/RSV3 set");
  c->fin = fin;
  c->op = op;
  c->rem = len;
  if (op >= 8) {
    if (op > 10 || !fin || len > 125 || (b0 & 0x40)) die("bad control frame %02x len %llu", b0, (unsigned long long)len);
    c->nctl = 0;
    if (!c->ctl) c->ctl = xalloc(125);
    return;
  }
  if (op == 0) { if (!c->in_msg || (b0 & 0x40)) die("bad continuation frame"); }
  else {
    if (c->in_msg) die("new message inside a fragmented one");
    if (op != 1 && op != 2) die("bad opcode %d", op);
    if (op != (o_binary ? 2 : 1)) die("reply opcode %d, sent %d", op, o_binary ? 2 : 1);
    c->rsv1 = (b0 >> 6) & 1;
    if (c->rsv1 && !negotiated[0]) die("RSV1 without permessage-deflate");
    c->in_msg = 1;
    c->moff = 0;
    if (o_mode == M_RECOVER) {
      if (len > RECOVERY_MAX) die("a message of %llu bytes", (unsigned long long)len);
      return;
    }
    c->checking = !c->rsv1 && !c->is_pub && !c->is_sub && c->sio != SIO_OPENING && c->sio != SIO_JOINING && o_check && c->nrecv % o_check == 0;
  }
  if (!c->rsv1 && c->moff + len > o_size && !c->is_pub && c->sio != SIO_OPENING && c->sio != SIO_JOINING)
    die("frame makes a message of %llu bytes, expected %zu", (unsigned long long)(c->moff + len), o_size);
}

#ifdef WSLOAD_ZLIB
static void compressed_message(conn *c);
#endif
static void end_frame(conn *c) {
  if (c->op >= 8) {
    if (c->op == 8) die("server closed conn %d, code %d", (int)(c - cs), c->nctl >= 2 ? c->ctl[0] << 8 | c->ctl[1] : 0);
    if (c->op == 9) { n_pings++; c->pong_due = 1; if (c->spos == c->send) send_pong(c); }
    return;
  }
  if (!c->fin) return;
  c->in_msg = 0;
#ifdef WSLOAD_ZLIB
  if (c->rsv1 && o_compress) compressed_message(c);
#endif
  on_message(c);
}

#ifdef WSLOAD_ZLIB
static void compressed_payload(conn *c, const u8 *p, size_t n) {
  if (c->moff + n > zbound()) die("a compressed reply of more than %zu bytes (conn %d)", zbound(), (int)(c - cs));
  if (!c->zin) c->zin = xalloc(zbound() + 4);
  memcpy(c->zin + c->moff, p, n);
  c->moff += n;
}

static void compressed_message(conn *c) {
  static void *shared;
  if (!shared) shared = inflater();
  if (o_takeover && !c->z) c->z = inflater();
  if (!c->zin) c->zin = xalloc(zbound() + 4);
  const u8 *m = zinflate(o_takeover ? c->z : shared, c->zin, c->moff, (int)(c - cs));
  if (o_check && c->nrecv % o_check == 0 && memcmp(expected(c), m, o_size))
    die("inflated payload differs (conn %d, message %llu)", (int)(c - cs), (unsigned long long)c->nrecv);
  if (o_mode == M_IDLE) free(c->zin), c->zin = NULL;
}
#endif

static void payload(conn *c, const u8 *p, size_t n) {
  if (c->op >= 8) { memcpy(c->ctl + c->nctl, p, n); c->nctl += n; return; }
#ifdef WSLOAD_ZLIB
  if (c->rsv1 && o_compress) { compressed_payload(c, p, n); return; }
#endif
  if (o_mode == M_RECOVER) {
    if (!c->zin) c->zin = xalloc(RECOVERY_MAX + 1);
    if (c->moff + n > RECOVERY_MAX) die("a message of more than %d bytes", RECOVERY_MAX);
    memcpy(c->zin + c->moff, p, n);
    c->moff += n;
    return;
  }
  if (c->sio) for (size_t i = c->moff; i < sizeof c->msg && i - c->moff < n; i++) c->msg[i] = p[i - c->moff];
  if (c->sio && c->moff == 0 && n == 1 && p[0] == '2') { c->moff = 1; return; }
  if (c->checking && memcmp(expected(c) + c->moff, p, n))
    die("payload differs (conn %d, message %llu, around byte %llu)", (int)(c - cs),
        (unsigned long long)c->nrecv, (unsigned long long)c->moff);
  c->moff += n;
}

static void feed(conn *c, const u8 *p, size_t n) {
  while (n || (c->hlen == 0xff && c->rem == 0)) {
    if (c->hlen == 0xff) { /* in payload */
      size_t k = c->rem < n ? c->rem : n;
      if (k) payload(c, p, k);
      p += k; n -= k; c->rem -= k;
      if (c->rem == 0) { c->hlen = 0; end_frame(c); }
      continue;
    }
    const u8 *h;
    size_t need, have;
    if (c->hlen == 0 && n >= 10) h = p, have = n; /* fast path: header is here */
    else {
      c->hdr[c->hlen++] = *p++; n--;
      h = c->hdr; have = c->hlen;
      if (have < 2) continue;
    }
    if (h[1] & 0x80) die("masked frame from server");
    u32 l7 = h[1] & 127;
    need = l7 < 126 ? 2 : l7 == 126 ? 4 : 10;
    if (have < need) continue;
    u64 len = l7;
    if (l7 == 126) len = h[2] << 8 | h[3];
    else if (l7 == 127) { len = 0; for (int i = 2; i < 10; i++) len = len << 8 | h[i]; }
    if ((l7 == 126 && len < 126) || (l7 == 127 && len < 65536)) die("length not minimal");
    if (h == p) p += need, n -= need;
    c->hlen = 0xff;
    begin_frame(c, h[0], len);
  }
}

/* An HTTP response: a head with Content-Length, then the body, checked like a message. */
static void feed_http(conn *c, const u8 *p, size_t n) {
  while (n) {
    if (c->hlen == 0xff) { /* in the body */
      size_t k = c->rem < n ? c->rem : n;
      payload(c, p, k);
      p += k; n -= k; c->rem -= k;
      if (c->rem) continue;
      c->hlen = 0;
      on_message(c);
      continue;
    }
    size_t k = n < (size_t)(4095 - c->hsn) ? n : (size_t)(4095 - c->hsn), before = c->hsn;
    memcpy(c->hs + before, p, k);
    c->hsn += k;
    c->hs[c->hsn] = 0;
    char *s = (char *)c->hs, *end = strstr(s, "\r\n\r\n");
    if (!end) {
      if (c->hsn == 4095) die("response head too long");
      return;
    }
    size_t used = end + 4 - s - before;
    p += used; n -= used;
    end[2] = 0;
    if (strncmp(s, o_post || c->is_pub ? "HTTP/1.1 20" : "HTTP/1.1 200", o_post || c->is_pub ? 11 : 12)) die("http: %.80s", s);
    char *len = strcasestr(s, "\r\nContent-Length:");
    if (!len) die("http: a response without Content-Length");
    c->rem = strtoull(len + 17, NULL, 10);
    if (!o_post && !c->is_pub && (c->rem != o_size || !c->rem)) die("http: a body of %llu bytes, expected %zu", (unsigned long long)c->rem, o_size);
    c->hsn = 0;
    c->hlen = 0xff;
    c->op = 1, c->rsv1 = 0, c->moff = 0;
    c->checking = !o_post && !c->is_pub && o_check && c->nrecv % o_check == 0;
    if (measuring) n_frames++;
    if (!c->rem) { c->hlen = 0; on_message(c); }
  }
}

/* ---- handshake -------------------------------------------------------- */
static void opened(conn *c);
static void start_conn(int i) {
  conn *c = &cs[i];
  int one = 1;
  memset(c, 0, sizeof *c);
  c->v = i % nvar;
  c->is_pub = o_mode == M_FANOUT && i == o_conns;
  c->is_sub = o_mode == M_HTTP && i == o_conns;
  c->http = (o_mode == M_HTTP && !c->is_sub) || (c->is_pub && o_pubhttp);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) die("socket: %s after %d connections (ulimit -n?)", strerror(errno), i);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if ((ntohl(dst.sin_addr.s_addr) >> 24) == 127) {
    int a = o_srcbase + i / o_persrc;
    struct sockaddr_in src = {.sin_family = AF_INET,
      .sin_addr.s_addr = htonl(0x7F000000u | (u32)(a / 250) << 8 | (u32)(a % 250 + 2))};
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(c->fd, (void *)&src, sizeof src)) die("bind: %s", strerror(errno));
  }
  if (connect(c->fd, (void *)&dst, sizeof dst) && errno != EINPROGRESS) die("connect: %s (conn %d)", strerror(errno), i);
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  c->want_out = 1;
  if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e)) die("epoll_ctl add: %s", strerror(errno));
  inflight++;
}

static void send_request(conn *c) {
  int err = 0;
  socklen_t l = sizeof err;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
  if (err) die("connect: %s (conn %d)", strerror(err), (int)(c - cs));
  if (c->http) { opened(c); c->hs = xalloc(4096); watch(c, 0); return; }
  u8 k[16], h[20];
  char key[32], buf[128], req[1024];
  for (int i = 0; i < 16; i++) k[i] = rnd();
  b64(k, 16, key);
  int n = snprintf(buf, sizeof buf, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  sha1((u8 *)buf, n, h);
  b64(h, 20, c->accept);
  n = snprintf(req, sizeof req,
    "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s%s%s%s%s%s\r\n",
    c->is_pub ? o_pubpath : c->is_sub ? o_subpath : o_path, o_host, o_port, key,
    o_deflate ? "Sec-WebSocket-Extensions: permessage-deflate" : "", o_deflate ? o_dparams : "", o_deflate ? "\r\n" : "",
    o_proto ? "Sec-WebSocket-Protocol: " : "", o_proto ? o_proto : "", o_proto ? "\r\n" : "");
  if (send(c->fd, req, n, MSG_NOSIGNAL) != n) die("request not sent whole: %s", strerror(errno));
  c->state = S_HANDSHAKE;
  c->hs = xalloc(4096);
  watch(c, 0);
}

static void opened(conn *c) {
  c->state = S_OPEN;
  free(c->hs);
  c->hs = NULL;
  inflight--;
  n_open++;
  last_progress = t_now;
  if (!c->is_pub && !c->is_sub && o_mode != M_FANOUT) c->ts = xalloc(sizeof(u64) * o_depth);
  if (o_sio && !c->http) c->sio = SIO_OPENING;
  else ready(c);
}

static void ready(conn *c) {
  if (o_mode == M_IDLE && o_touch) { c->budget = o_touch; queue_msgs(c, 1, now_ns()); }
  else n_ready++;
}

static void handshake_bytes(conn *c, const u8 *p, size_t n) {
  size_t before = c->hsn, room = 4095 - before, k = n < room ? n : room;
  memcpy(c->hs + before, p, k);
  c->hsn += k;
  c->hs[c->hsn] = 0;
  char *s = (char *)c->hs, *end = strstr(s, "\r\n\r\n");
  if (!end) {
    if (c->hsn == 4095) die("response head too long");
    return;
  }
  size_t used = end + 4 - s - before;
  end[2] = 0;
  if (strncmp(s, "HTTP/1.1 101", 12)) die("handshake: %.80s", s);
  int up = 0, co = 0, ac = 0;
  char ext[256] = "";
  for (char *ln = strstr(s, "\r\n"); ln && ln[2]; ln = strstr(ln + 2, "\r\n")) {
    char *nm = ln + 2, *colon = strchr(nm, ':'), *e = strstr(nm, "\r\n");
    if (!colon || !e || colon > e) continue;
    char *v = colon + 1;
    while (*v == ' ' || *v == '\t') v++;
    size_t nl = colon - nm, vl = e - v;
    while (vl && (v[vl - 1] == ' ')) vl--;
    if (nl == 7 && !strncasecmp(nm, "Upgrade", 7)) up = vl == 9 && !strncasecmp(v, "websocket", 9);
    if (nl == 10 && !strncasecmp(nm, "Connection", 10)) { char t[64]; snprintf(t, sizeof t, "%.*s", (int)vl, v); co = strcasestr(t, "upgrade") != NULL; }
    if (nl == 20 && !strncasecmp(nm, "Sec-WebSocket-Accept", 20)) ac = vl == strlen(c->accept) && !strncmp(v, c->accept, vl);
    if (nl == 24 && !strncasecmp(nm, "Sec-WebSocket-Extensions", 24)) snprintf(ext, sizeof ext, "%.*s", (int)vl, v);
  }
  if (!up || !co || !ac) die("handshake: bad%s%s%s", up ? "" : " Upgrade", co ? "" : " Connection", ac ? "" : " Sec-WebSocket-Accept");
  if (ext[0] && !o_deflate) die("handshake: extension not offered: %s", ext);
  if (o_deflate && !strstr(ext, "permessage-deflate")) die("handshake: permessage-deflate refused");
  if (o_compress) { /* equal settings are the point of the comparison: an answer that changes them is an error */
    int s = strstr(ext, "server_no_context_takeover") != NULL, cl = strstr(ext, "client_no_context_takeover") != NULL;
    if (o_takeover ? s || cl : !s) die("handshake: context takeover %s by the server: %s", o_takeover ? "refused" : "kept", ext);
    if (strstr(ext, "max_window_bits")) die("handshake: another window: %s", ext);
  }
  if (ext[0]) snprintf(negotiated, sizeof negotiated, "%s", ext);
  opened(c);
  if (n > used) feed(c, p + used, n - used);
}

/* ---- event handling --------------------------------------------------- */
static u8 rbuf[512 * 1024];

static void on_event(conn *c, u32 ev) {
  if (c->state == S_CONNECTING) {
    if (ev & (EPOLLOUT | EPOLLERR | EPOLLHUP)) send_request(c);
    return;
  }
  if ((ev & EPOLLOUT) && c->state == S_OPEN) flush_conn(c);
  if (!(ev & (EPOLLIN | EPOLLERR | EPOLLHUP))) return;
  ssize_t r = recv(c->fd, rbuf, sizeof rbuf, 0);
  n_recv_calls++;
  if (r < 0) { if (errno == EAGAIN || errno == EINTR) return; die("recv: %s (conn %d)", strerror(errno), (int)(c - cs)); }
  if (r == 0) die("server closed the connection (conn %d)", (int)(c - cs));
  t_now = now_ns();
  if (c->state == S_HANDSHAKE) { handshake_bytes(c, rbuf, r); return; }
  if (measuring) n_bytes += r;
  batch_k = 0;
  if (c->http) feed_http(c, rbuf, r);
  else feed(c, rbuf, r);
  if (batch_k && !stopping) {
    if (o_mode == M_ECHO || o_mode == M_HTTP) queue_msgs(c, batch_k, t_now);
    else if (o_mode == M_IDLE) { if (--c->budget > 0) queue_msgs(c, 1, t_now); else n_ready++; }
  }
}

static u64 empty_ns;
static void pump(int timeout_ms) {
  static struct epoll_event ev[1024];
  u64 t0 = o_spin ? now_ns() : 0;
  int n = epoll_wait(ep, ev, 1024, o_spin ? 0 : timeout_ms);
  if (n < 0) { if (errno == EINTR) return; die("epoll_wait: %s", strerror(errno)); }
  n_polls++;
  for (int i = 0; i < n; i++) on_event(ev[i].data.ptr, ev[i].events);
  if (n == 0) { t_now = now_ns(); if (o_spin && measuring) empty_ns += t_now - t0; }
  if (f_due) publish_due();
}

static void check_stall(const char *what) {
  if (t_now > last_progress && t_now - last_progress > o_stall * 1e9)
    die("stalled for %.0f s while %s (open %d, ready %d, messages %llu)", o_stall, what, n_open, n_ready, (unsigned long long)n_msgs);
}

/* ---- the server's CPU and memory, from /proc -------------------------- */
typedef struct { double user, sys; long rss_kb, anon_kb; } pstat;
static pstat read_pids(void) {
  pstat r = {0, 0, 0, 0};
  double hz = sysconf(_SC_CLK_TCK);
  for (int i = 0; i < npids; i++) {
    char fn[64], b[2048];
    snprintf(fn, sizeof fn, "/proc/%d/stat", pids[i]);
    FILE *f = fopen(fn, "r");
    if (!f) die("no process %d", pids[i]);
    size_t n = fread(b, 1, sizeof b - 1, f);
    fclose(f);
    b[n] = 0;
    unsigned long u, s;
    char *p = strrchr(b, ')');
    if (!p || sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s) != 2) die("/proc/%d/stat", pids[i]);
    r.user += u / hz; r.sys += s / hz;
    snprintf(fn, sizeof fn, "/proc/%d/status", pids[i]);
    if ((f = fopen(fn, "r"))) {
      long kb;
      while (fgets(b, sizeof b, f)) {
        if (sscanf(b, "VmRSS: %ld", &kb) == 1) r.rss_kb += kb;
        else if (sscanf(b, "RssAnon: %ld", &kb) == 1) r.anon_kb += kb;
      }
      fclose(f);
    }
  }
  return r;
}

/* whole machine: busy and stolen CPU seconds, so a caller can see foreign load */
static void read_machine(double *busy, double *steal) {
  unsigned long long u = 0, n = 0, s = 0, id, io, ir = 0, si = 0, st = 0;
  double hz = sysconf(_SC_CLK_TCK);
  FILE *f = fopen("/proc/stat", "r");
  *busy = *steal = 0;
  if (!f) return;
  if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &u, &n, &s, &id, &io, &ir, &si, &st) == 8)
    *busy = (u + n + s + ir + si) / hz, *steal = st / hz;
  fclose(f);
}

static double cpu_used(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* http: the subscriber has been given what was answered, all of it. */
static void delivered_all(void) {
  u64 posts = 0;
  stopping = 1;
  t_now = last_progress = now_ns();
  for (int i = 0; i < o_conns; i++) posts += cs[i].nsent;
  while (cs[o_conns].nrecv < posts) { pump(100); check_stall("waiting for what was published"); }
}

/* All have returned: waits until each has been given what it missed, and for half a second more that nothing follows. */
static void recovered(u64 from, pstat before, double busy0, double steal0, double cpu0) {
  while (n_done < o_conns) { pump(100); check_stall("recovering"); }
  u64 to = now_ns();
  double T = (to - from) / 1e9, busy, steal, cpu = cpu_used() - cpu0;
  pstat after = read_pids();
  read_machine(&busy, &steal);
  while (now_ns() < to + 500000000ull) pump(50);
  printf("{\"label\":"); json_str(stdout, o_label);
  printf(",\"mode\":\"recover\",\"conns\":%d,\"expect\":%d,\"msgs\":%llu,\"seconds\":%.3f,\"p50_s\":%.3f,\"client_busy\":%.3f,\"steal\":%.3f",
    o_conns, o_expect, (unsigned long long)n_msgs, T, hist_q(.5) / 1e9, cpu / T, (steal - steal0) / T);
  if (npids)
    printf(",\"srv_us_per_msg\":%.3f,\"foreign_cpu\":%.3f", (after.user + after.sys - before.user - before.sys) * 1e6 / n_msgs,
      (busy - busy0 - cpu - (after.user + after.sys - before.user - before.sys)) / T);
  printf("}\n");
}

static void usage(void) {
  fprintf(stderr,
    "usage: wsload echo|idle|fanout|http|recover [options]   (one JSON line on stdout; exit 0 ok, 2 error)\n"
    "  --host A --port N --path /P     target (127.0.0.1:9001/echo); --proto NAME subprotocol\n"
    "  --conns N    connections (fanout: subscribers)   --concurrency N  handshakes in flight (64)\n"
    "  --size S     payload bytes        --depth D   messages outstanding per connection (fanout: in all)\n"
    "  --text | --binary                 --payload ascii|utf8|json|random\n"
    "  --time T --warmup W               seconds measured / before measuring (5 / 1)\n"
    "  --deflate [--deflate-params '; client_no_context_takeover']   offer it; requests stay uncompressed\n"
    "  --compress [--level L --takeover] offer it, send compressed (level 6, no takeover), inflate every reply\n"
    "  --pid PID    (repeatable) sample that process's CPU and RSS\n"
    "  --touch K    idle: each connection first echoes K messages;   --hold H  idle: seconds before sampling RSS (3)\n"
    "  --hold-stdin idle: print the line as soon as all are connected, then hold them until standard input ends\n"
    "  --pub-path P fanout: path of the publisher (same as --path)\n"
    "  --pub-http   fanout: the publisher sends POST requests to --pub-path, pipelined on one connection kept alive\n"
    "  --socketio   speak engine.io 4 and Socket.IO 5: payloads are the one argument of event \"m\", both ways\n"
    "  --post       http: any 2xx is right, whatever its body;  --sub-path P  and a WebSocket there gets every payload\n"
    "  --expect R   recover: each connection has to get publications 0 to R-1 of pulsebeacon.json, in order (300)\n"
    "  --check K    compare every Kth message's bytes (8; 0 never; length is always checked)\n"
    "  --ring R     different messages per connection (depth; with --deflate 128 KiB worth)\n"
    "  --spin       poll without sleeping;  --cpu N  pin;  --label TEXT;  --stall S  give up after S s (10)\n"
    "  --per-src N  connections per source address (2000)   --src-base N  first source address index\n");
  exit(64);
}

int main(int argc, char **argv) {
  static struct option L[] = {
    {"host", 1, 0, 'H'}, {"port", 1, 0, 'p'}, {"path", 1, 0, 'P'}, {"conns", 1, 0, 'c'}, {"size", 1, 0, 's'},
    {"depth", 1, 0, 'd'}, {"time", 1, 0, 't'}, {"warmup", 1, 0, 'w'}, {"text", 0, 0, 'T'}, {"binary", 0, 0, 'B'},
    {"payload", 1, 0, 'y'}, {"deflate", 0, 0, 'z'}, {"deflate-params", 1, 0, 'Z'}, {"pid", 1, 0, 'i'},
    {"touch", 1, 0, 'k'}, {"hold", 1, 0, 'h'}, {"pub-path", 1, 0, 'b'}, {"check", 1, 0, 'C'}, {"spin", 0, 0, 'S'},
    {"cpu", 1, 0, 'u'}, {"label", 1, 0, 'l'}, {"concurrency", 1, 0, 'n'}, {"per-src", 1, 0, 'r'},
    {"src-base", 1, 0, 'R'}, {"stall", 1, 0, 'x'}, {"proto", 1, 0, 'o'}, {"ring", 1, 0, 'g'},
    {"compress", 0, 0, 'q'}, {"level", 1, 0, 'L'}, {"takeover", 0, 0, 'K'}, {"hold-stdin", 0, 0, 'I'},
    {"pub-http", 0, 0, 'P' + 128}, {"socketio", 0, 0, 'S' + 128}, {"post", 0, 0, 'p' + 128}, {"sub-path", 1, 0, 's' + 128},
    {"expect", 1, 0, 'e' + 128}, {0}};
  if (argc < 2) usage();
  if (!strcmp(argv[1], "echo")) o_mode = M_ECHO;
  else if (!strcmp(argv[1], "idle")) o_mode = M_IDLE;
  else if (!strcmp(argv[1], "fanout")) o_mode = M_FANOUT, o_path = "/fanout";
  else if (!strcmp(argv[1], "http")) o_mode = M_HTTP;
  else if (!strcmp(argv[1], "recover")) o_mode = M_RECOVER, o_proto = "pulsebeacon.json";
  else usage();
  optind = 2;
  int ch;
  while ((ch = getopt_long(argc, argv, "", L, NULL)) != -1) switch (ch) {
    case 'H': o_host = optarg; break;
    case 'p': o_port = atoi(optarg); break;
    case 'P': o_path = optarg; break;
    case 'c': o_conns = atoi(optarg); break;
    case 's': o_size = strtoull(optarg, 0, 0); break;
    case 'd': o_depth = atoi(optarg); break;
    case 't': o_time = atof(optarg); break;
    case 'w': o_warm = atof(optarg); break;
    case 'T': o_binary = 0; break;
    case 'B': o_binary = 1; break;
    case 'y': o_payload = !strcmp(optarg, "ascii") ? P_ASCII : !strcmp(optarg, "utf8") ? P_UTF8 :
                          !strcmp(optarg, "json") ? P_JSON : !strcmp(optarg, "random") ? P_RANDOM : -2; break;
    case 'z': o_deflate = 1; break;
    case 'Z': o_dparams = optarg; break;
    case 'i': if (npids < 64) pids[npids++] = atoi(optarg); break;
    case 'k': o_touch = atoi(optarg); break;
    case 'h': o_hold = atof(optarg); break;
    case 'b': o_pubpath = optarg; break;
    case 'C': o_check = atoi(optarg); break;
    case 'S': o_spin = 1; break;
    case 'u': o_cpu = atoi(optarg); break;
    case 'l': o_label = optarg; break;
    case 'n': o_conc = atoi(optarg); break;
    case 'r': o_persrc = atoi(optarg); break;
    case 'R': o_srcbase = atoi(optarg); break;
    case 'x': o_stall = atof(optarg); break;
    case 'g': o_ring = atoi(optarg); break;
    case 'o': o_proto = optarg; break;
    case 'q': o_compress = o_deflate = 1; break;
    case 'L': o_level = atoi(optarg); break;
    case 'K': o_takeover = 1; break;
    case 'I': o_holdstdin = 1; o_hold = 0; break;
    case 'P' + 128: o_pubhttp = 1; break;
    case 'S' + 128: o_sio = 1; break;
    case 'p' + 128: o_post = 1; break;
    case 's' + 128: o_subpath = optarg; break;
    case 'e' + 128: o_expect = atoi(optarg); break;
    default: usage();
  }
  if (o_payload == -1) o_payload = o_binary ? P_RANDOM : P_ASCII;
  if (o_payload == -2 || o_conns < 1 || o_depth < 1 || o_conc < 1 || optind != argc) usage();
  if (!o_binary && o_payload == P_RANDOM) die("random bytes are not text; use --binary");
  if (o_compress) {
#ifndef WSLOAD_ZLIB
    die("--compress: built without zlib (-DWSLOAD_ZLIB -lz)");
#endif
    if (o_mode == M_FANOUT || o_mode == M_HTTP) die("--compress is for echo and idle");
    o_dparams = o_takeover ? "" : "; server_no_context_takeover; client_no_context_takeover";
  }
  if (o_sio) o_size += SIO_WRAP;
  if (o_pubhttp && o_mode != M_FANOUT) die("--pub-http is for fanout");
  if ((o_post || o_subpath) && o_mode != M_HTTP) die("--post and --sub-path are for http");
  if (o_sio && (o_binary || o_deflate)) die("--socketio: text, uncompressed");
  if (!o_pubpath) o_pubpath = o_path;
  /* each run starts at another source address, clear of the last run's TIME_WAIT ports */
  if (o_srcbase < 0) o_srcbase = getpid() * 37 % 20000;
  if (o_cpu >= 0) { cpu_set_t s; CPU_ZERO(&s); CPU_SET(o_cpu, &s); sched_setaffinity(0, sizeof s, &s); }
  signal(SIGPIPE, SIG_IGN);
  struct rlimit rl;
  getrlimit(RLIMIT_NOFILE, &rl);
  rl.rlim_cur = rl.rlim_max;
  setrlimit(RLIMIT_NOFILE, &rl);
  rng_s ^= (u64)getpid() * 0x2545F4914F6CDD1Dull;
  if (o_mode == M_IDLE || o_mode == M_RECOVER) o_depth = 1;
  dst = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(o_port)};
  if (inet_pton(AF_INET, o_host, &dst.sin_addr) != 1) die("--host wants an IPv4 address");

  build_variants();
  nconn = o_conns + (o_mode == M_FANOUT || o_subpath != NULL);
  cs = xalloc(sizeof *cs * nconn);
  if (o_mode == M_FANOUT) {
    f_ts = xalloc(sizeof *f_ts * o_depth);
    f_rem = xalloc(sizeof *f_rem * o_depth);
    f_plain = xalloc(o_size * o_depth);
    f_frame = xalloc(frame_len * o_depth * 2);
    for (int d = 0; d < o_depth; d++) fill_payload(f_plain + o_size * d, o_size, d);
  }
  ep = epoll_create1(EPOLL_CLOEXEC);
  pstat p_base = read_pids();

  /* connect */
  double cb0, cst0, cb1, cst1, cc0 = cpu_used();
  read_machine(&cb0, &cst0);
  u64 c0 = now_ns();
  t_now = last_progress = w_start = c0;
  while (n_ready < nconn) {
    while (inflight < o_conc && next_conn < nconn) start_conn(next_conn++);
    pump(100);
    check_stall("connecting");
  }
  u64 c1 = now_ns();
  double csec = (c1 - c0) / 1e9;
  pstat p_conn = read_pids();
  read_machine(&cb1, &cst1);
  double cc = cpu_used() - cc0;

  if (o_mode == M_RECOVER) recovered(c0, p_base, cb0, cst0, cc0);
  else if (o_mode == M_IDLE) {
    u64 end = now_ns() + (u64)(o_hold * 1e9);
    o_spin = 0;
    while (now_ns() < end) pump(50);
    pstat p_idle = read_pids();
    printf("{\"label\":"); json_str(stdout, o_label);
    printf(",\"mode\":\"idle\",\"conns\":%d,\"touch\":%d,\"connect_s\":%.3f,\"conn_per_s\":%.0f", n_open, o_touch, csec, n_open / csec);
    if (negotiated[0]) { printf(",\"deflate\":"); json_str(stdout, negotiated); }
    printf(",\"client_busy\":%.3f,\"steal\":%.3f", cc / csec, (cst1 - cst0) / csec);
    if (npids)
      printf(",\"foreign_cpu\":%.3f", (cb1 - cb0 - cc - (p_conn.user + p_conn.sys - p_base.user - p_base.sys)) / csec);
    if (npids)
      printf(",\"rss_before_kb\":%ld,\"rss_after_kb\":%ld,\"rss_per_conn\":%.0f,\"anon_before_kb\":%ld,\"anon_after_kb\":%ld,\"anon_per_conn\":%.0f,\"connect_cpu_us\":%.2f,\"hold_cpu_s\":%.2f",
        p_base.rss_kb, p_idle.rss_kb, (p_idle.rss_kb - p_base.rss_kb) * 1024.0 / n_open,
        p_base.anon_kb, p_idle.anon_kb, (p_idle.anon_kb - p_base.anon_kb) * 1024.0 / n_open,
        (p_conn.user + p_conn.sys - p_base.user - p_base.sys) * 1e6 / n_open,
        p_idle.user + p_idle.sys - p_conn.user - p_conn.sys);
    printf(",\"pings\":%llu}\n", (unsigned long long)n_pings);
    if (o_holdstdin) {
      fflush(stdout);
      fcntl(0, F_SETFL, O_NONBLOCK);
      for (char b[64];;) {
        ssize_t r = read(0, b, sizeof b);
        if (r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR)) break;
        pump(50);
      }
    }
  } else {
    u64 t0 = now_ns();
    t_now = last_progress = t0;
    w_start = t0 + (u64)(o_warm * 1e9);
    if (o_mode != M_FANOUT) for (int i = 0; i < o_conns; i++) queue_msgs(&cs[i], o_depth, now_ns());
    else { f_due = o_depth; publish_due(); }
    while (t_now < w_start) { pump(100); check_stall("warming up"); }
    struct rusage r0, r1;
    getrusage(RUSAGE_SELF, &r0);
    pstat p0 = read_pids();
    double mb0, ms0, mb1, ms1;
    read_machine(&mb0, &ms0);
    n_polls = n_recv_calls = n_send_calls = 0;
    w_start = now_ns();
    w_end = w_start + (u64)(o_time * 1e9);
    measuring = 1;
    while (t_now < w_end) { pump(100); check_stall("measuring"); }
    measuring = 0;
    u64 we = now_ns();
    pstat p1 = read_pids();
    read_machine(&mb1, &ms1);
    getrusage(RUSAGE_SELF, &r1);
    double T = (we - w_start) / 1e9;
    double cu = (r1.ru_utime.tv_sec - r0.ru_utime.tv_sec) + (r1.ru_utime.tv_usec - r0.ru_utime.tv_usec) / 1e6;
    double csy = (r1.ru_stime.tv_sec - r0.ru_stime.tv_sec) + (r1.ru_stime.tv_usec - r0.ru_stime.tv_usec) / 1e6;
    double busy = o_spin ? 1 - empty_ns / 1e9 / T : (cu + csy) / T;
    if (!n_msgs) die("no messages in the measured window");
    if (o_subpath) delivered_all();
    printf("{\"label\":"); json_str(stdout, o_label);
    printf(",\"mode\":\"%s\",\"conns\":%d,\"size\":%zu,\"depth\":%d,\"opcode\":\"%s\",\"seconds\":%.3f,\"msgs\":%llu,\"msgs_per_s\":%.0f,\"mb_per_s\":%.1f",
      o_mode == M_ECHO ? "echo" : o_mode == M_HTTP ? "http" : "fanout", o_conns, o_size - o_sio * SIO_WRAP, o_depth, o_binary ? "binary" : "text", T,
      (unsigned long long)n_msgs, n_msgs / T, n_bytes / T / 1e6);
    printf(",\"lat_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", hist_q(.5) / 1e3, hist_q(.9) / 1e3,
      hist_q(.99) / 1e3, hist_q(.999) / 1e3, hist_max / 1e3);
    printf(",\"frames_per_msg\":%.3f,\"compressed\":%.3f,\"conn_per_s\":%.0f,\"client_busy\":%.3f,\"client_msgs_per_recv\":%.2f,\"client_events_per_poll\":%.2f",
      (double)n_frames / n_msgs, (double)n_compressed / n_msgs, n_open / csec, busy, (double)n_msgs / n_recv_calls, (double)n_recv_calls / n_polls);
    printf(",\"rx_bytes_per_msg\":%.1f,\"tx_bytes_per_msg\":%.1f", (double)n_bytes / n_msgs, (double)n_sent_bytes / n_msgs);
    if (negotiated[0]) { printf(",\"deflate\":"); json_str(stdout, negotiated); }
    if (npids)
      printf(",\"srv_cpu\":%.3f,\"srv_user_us_per_msg\":%.3f,\"srv_sys_us_per_msg\":%.3f,\"srv_rss_kb\":%ld",
        (p1.user + p1.sys - p0.user - p0.sys) / T, (p1.user - p0.user) * 1e6 / n_msgs, (p1.sys - p0.sys) * 1e6 / n_msgs, p1.rss_kb);
    printf(",\"client_cpu\":%.3f,\"steal\":%.3f", (cu + csy) / T, (ms1 - ms0) / T);
    if (npids) printf(",\"foreign_cpu\":%.3f", (mb1 - mb0 - cu - csy - (p1.user + p1.sys - p0.user - p0.sys)) / T);
    if (o_mode == M_FANOUT) printf(",\"published\":%llu", (unsigned long long)hist_n);
    if (o_subpath) printf(",\"delivered\":%llu", (unsigned long long)n_delivered);
    printf(",\"spin\":%d}\n", o_spin);
  }
  fflush(stdout);
  /* leave politely: a Close frame where nothing is half sent, then the fd */
  for (int i = 0; i < nconn; i++) {
    static const u8 bye[] = {0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xE8 ^ 2};
    if (!cs[i].http && cs[i].spos == cs[i].send) (void)!send(cs[i].fd, bye, sizeof bye, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(cs[i].fd);
  }
  return 0;
}
