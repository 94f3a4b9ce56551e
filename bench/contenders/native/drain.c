/*
 * The plain limit: librabbitmq in one thread, one ack for every ACK_EVERY messages and whenever nothing more has
 * arrived. It counts and checks what it is given as every other contender does, and does nothing else with it.
 *
 *     drain HOST PORT USER PASSWORD VHOST QUEUE MESSAGES PREFETCH ACK_EVERY
 *
 * Prints "ready" when it is about to consume, "acked N" once a second, and at the end one line of JSON
 * (ForeignReport, contender.ts).
 */
#define _GNU_SOURCE
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FRAME_BYTES 131072
#define INDEX_DIGITS 12
#define WHOLE 256
#define EVERY 1024
/* A quorum queue's channel drops acks that it has not passed on yet when it is closed. */
#define SETTLE_MICROS 1000000

static uint8_t *seen;
static uint32_t checksum, calls, foreign;

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
  fprintf(stderr, "drain: %s\n", what);
  exit(1);
}

static void require(amqp_rpc_reply_t reply, const char *what) {
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail(what);
}

/* FNV-1a over the string value that follows `key`, without its escapes; *at becomes where the value ends. Of a long one
 * it takes the beginning, samples and the length, as checksum.ts. */
static uint32_t fnv_value(uint32_t hash, const char **at, const char *end, const char *key) {
  size_t length = strlen(key);
  const char *p = memmem(*at, (size_t)(end - *at), key, length);
  if (p == NULL) fail("a body has no such member");
  uint32_t i = 0;
  for (p += length; p < end && *p != '"'; p++, i++) {
    if (*p == '\\') p++;
    if (i < WHOLE || i % EVERY == 0) hash = (hash ^ (uint8_t)*p) * 0x01000193u;
  }
  *at = p;
  return i > WHOLE ? (hash ^ i) * 0x01000193u : hash;
}

/* As checksumOf and openHandledLedger (harness/) do it; the members come in this order. */
static void handle(amqp_bytes_t body, uint32_t messages) {
  const char *at = body.bytes, *end = at + body.len;
  uint32_t hash = fnv_value(0x811c9dc5u, &at, end, "\"UUID\":\"");
  char digits[INDEX_DIGITS + 1] = {0};
  memcpy(digits, at - INDEX_DIGITS, INDEX_DIGITS);
  uint64_t index = strtoull(digits, NULL, 16);
  hash = fnv_value(hash, &at, end, "\"Name\":\"");
  hash = fnv_value(hash, &at, end, "\"Value\":\"");
  calls++;
  checksum += hash;
  if (index < messages) seen[index]++;
  else foreign++;
}

int main(int count, char **args) {
  if (count != 10) fail("HOST PORT USER PASSWORD VHOST QUEUE MESSAGES PREFETCH ACK_EVERY");
  uint32_t messages = (uint32_t)atoi(args[7]);
  uint64_t ack_every = (uint64_t)atoi(args[9]);
  seen = calloc(messages, 1);
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(connection);
  if (amqp_socket_open(socket, args[1], atoi(args[2])) != AMQP_STATUS_OK) fail("it cannot connect");
  require(amqp_login(connection, args[5], 0, FRAME_BYTES, 0, AMQP_SASL_METHOD_PLAIN, args[3], args[4]), "login");
  amqp_channel_open(connection, 1);
  require(amqp_get_rpc_reply(connection), "channel.open");
  amqp_basic_qos(connection, 1, 0, (uint16_t)atoi(args[8]), 0);
  require(amqp_get_rpc_reply(connection), "basic.qos");
  printf("ready\n");
  fflush(stdout);

  double start = now_ms(), start_cpu = cpu_micros();
  amqp_basic_consume(connection, 1, amqp_cstring_bytes(args[6]), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  require(amqp_get_rpc_reply(connection), "basic.consume");
  struct timeval at_once = {0, 0};
  uint64_t acked = 0;
  double told = start;
  for (uint64_t tag = 0; tag < messages;) {
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(connection);
    amqp_rpc_reply_t reply = amqp_consume_message(connection, &envelope, acked < tag ? &at_once : NULL, 0);
    int nothing = reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT;
    if (!nothing) {
      require(reply, "a delivery");
      tag = envelope.delivery_tag;
      handle(envelope.message.body, messages);
      amqp_destroy_envelope(&envelope);
    }
    if (!nothing && tag - acked < ack_every && tag < messages) continue;
    if (amqp_basic_ack(connection, 1, tag, 1) != AMQP_STATUS_OK) fail("an ack");
    acked = tag;
    double now = now_ms();
    if (now - told < 1000) continue;
    told = now;
    printf("acked %llu\n", (unsigned long long)acked);
    fflush(stdout);
  }
  double end = now_ms(), cpu = cpu_micros() - start_cpu;

  uint32_t distinct = 0;
  for (uint32_t i = 0; i < messages; i++) distinct += seen[i] > 0;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"startMs\":%.3f,\"endMs\":%.3f,\"cpuMicros\":%.0f,\"acked\":%llu,\"peakRssMiB\":%ld,"
         "\"handled\":{\"calls\":%u,\"distinct\":%u,\"foreign\":%u,\"checksum\":%u}}\n",
         start, end, cpu, (unsigned long long)acked, usage.ru_maxrss / 1024, calls, distinct, foreign, checksum);
  fflush(stdout);
  usleep(SETTLE_MICROS);
  require(amqp_connection_close(connection, AMQP_REPLY_SUCCESS), "connection.close");
  amqp_destroy_connection(connection);
  return 0;
}
