/*
 * The bound of publishing: one block of bytes a message, into which only the id is written, many blocks a write, as
 * many messages unconfirmed as the window allows. librabbitmq opens the connection and reads the confirms.
 *
 *     publish HOST PORT USER PASSWORD VHOST MESSAGES WINDOW SEED BLOCK_IN_HEX ID_AT ID_AT
 *
 * Prints "ready" when it is about to publish, "acked N" once a second, and when all are confirmed one line of JSON
 * (ForeignReport, contender.ts).
 */
#define _GNU_SOURCE
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define FRAME_BYTES 131072
#define WRITE_MESSAGES 250

static amqp_connection_state_t connection;
static uint8_t *settled;
static uint32_t confirmed, prefix, messages;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static double cpu_micros(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void fail(const char *what) {
  fprintf(stderr, "publish: %s\n", what);
  exit(1);
}

static void require(amqp_rpc_reply_t reply, const char *what) {
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail(what);
}

static void hex(char *at, uint64_t value, int digits) {
  for (int i = digits - 1; i >= 0; i--, value >>= 4) at[i] = "0123456789abcdef"[value & 15];
}

static uint32_t mix(uint32_t hash) {
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
  return hash ^ (hash >> 16);
}

/* As idAt (harness/message-source.ts), into a block that holds the dashes and the fixed digits already. */
static void write_id(char *id, uint32_t seed, uint32_t index) {
  uint32_t first = mix(seed ^ (index * 0x9e3779b1u)), second = mix(first + 0x7f4a7c15u), third = mix(second ^ index);
  char *uuid = id + strlen("task_");
  hex(uuid, first, 8);
  hex(uuid + 9, second >> 16, 4);
  hex(uuid + 15, second & 0xfff, 3);
  hex(uuid + 20, third & 0xfff, 3);
  hex(uuid + 24, index, 12);
}

static void settle(uint64_t tag, int multiple) {
  if (tag < 1 || tag > messages) fail("a confirm of a message that was not published");
  for (uint64_t t = multiple ? prefix + 1 : tag; t <= tag; t++) {
    confirmed += !settled[t];
    settled[t] = 1;
  }
  while (prefix < messages && settled[prefix + 1]) prefix++;
}

/* Reads one frame; waits for it unless `at_once`. Returns whether there was one. */
static int read_confirm(int at_once) {
  struct timeval no_time = {0, 0};
  amqp_frame_t frame;
  amqp_maybe_release_buffers(connection);
  int status = amqp_simple_wait_frame_noblock(connection, &frame, at_once ? &no_time : NULL);
  if (status == AMQP_STATUS_TIMEOUT) return 0;
  if (status != AMQP_STATUS_OK) fail("the connection while it waited for confirms");
  if (frame.frame_type != AMQP_FRAME_METHOD) return 1;
  if (frame.payload.method.id != AMQP_BASIC_ACK_METHOD) fail("the broker refused a message or closed the channel");
  amqp_basic_ack_t *ack = frame.payload.method.decoded;
  settle(ack->delivery_tag, ack->multiple);
  return 1;
}

static void write_all(int socket, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = send(socket, bytes, length, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("a write");
    bytes += written;
    length -= (size_t)written;
  }
}

int main(int count, char **args) {
  if (count != 12) fail("HOST PORT USER PASSWORD VHOST MESSAGES WINDOW SEED BLOCK_IN_HEX ID_AT ID_AT");
  messages = (uint32_t)strtoul(args[6], NULL, 10);
  uint32_t window = (uint32_t)strtoul(args[7], NULL, 10), seed = (uint32_t)strtoul(args[8], NULL, 10);
  uint32_t at_once = window < WRITE_MESSAGES ? window : WRITE_MESSAGES;
  size_t length = strlen(args[9]) / 2, id_at[2] = {(size_t)atoi(args[10]), (size_t)atoi(args[11])};
  char *blocks = malloc(length * at_once);
  settled = calloc((size_t)messages + 2, 1);
  for (size_t i = 0; i < length; i++) sscanf(args[9] + 2 * i, "%2hhx", (unsigned char *)&blocks[i]);
  for (uint32_t n = 1; n < at_once; n++) memcpy(blocks + n * length, blocks, length);

  connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(connection);
  if (amqp_socket_open(socket, args[1], atoi(args[2])) != AMQP_STATUS_OK) fail("it cannot connect");
  require(amqp_login(connection, args[5], 0, FRAME_BYTES, 0, AMQP_SASL_METHOD_PLAIN, args[3], args[4]), "login");
  amqp_channel_open(connection, 1);
  require(amqp_get_rpc_reply(connection), "channel.open");
  amqp_confirm_select(connection, 1);
  require(amqp_get_rpc_reply(connection), "confirm.select");
  printf("ready\n");
  fflush(stdout);

  double start = now_ms(), start_cpu = cpu_micros(), told = start;
  for (uint32_t next = 0; next < messages;) {
    uint32_t n = messages - next < at_once ? messages - next : at_once;
    while (next + n - confirmed > window) read_confirm(0);
    while (read_confirm(1)) continue;
    for (uint32_t i = 0; i < n; i++) {
      char *block = blocks + i * length;
      write_id(block + id_at[0], seed, next + i);
      memcpy(block + id_at[1], block + id_at[0], strlen("task_") + 36);
    }
    write_all(amqp_get_sockfd(connection), blocks, n * length);
    next += n;
    double now = now_ms();
    if (now - told < 1000) continue;
    told = now;
    printf("acked %u\n", confirmed);
    fflush(stdout);
  }
  while (confirmed < messages) read_confirm(0);
  double end = now_ms(), cpu = cpu_micros() - start_cpu;

  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"startMs\":%.3f,\"endMs\":%.3f,\"cpuMicros\":%.0f,\"acked\":%u,\"peakRssMiB\":%ld}\n", start, end, cpu,
         confirmed, usage.ru_maxrss / 1024);
  fflush(stdout);
  require(amqp_connection_close(connection, AMQP_REPLY_SUCCESS), "connection.close");
  amqp_destroy_connection(connection);
  return 0;
}
