// Asks a zoo server what is in a picture: docs/protocol.md in one file of C.
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zoo/v1/rpc.pb-c.h"

enum { protocol_version = 1, largest_answer = 64 << 20 };
enum { exit_answered = 0, exit_refused = 1, exit_usage = 2, exit_unreachable = 3 };

static void fail(int status, const char *what, const char *detail) {
  fprintf(stderr, "zoo-classify: %s: %s\n", what, detail);
  exit(status);
}

static void send_all(int socket, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    ssize_t sent = send(socket, bytes, count, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) fail(exit_unreachable, "sending", strerror(errno));
    bytes += sent;
    count -= (size_t)sent;
  }
}

static void receive_all(int socket, uint8_t *bytes, size_t count) {
  while (count > 0) {
    ssize_t received = recv(socket, bytes, count, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) fail(exit_unreachable, "receiving", strerror(errno));
    if (received == 0) fail(exit_unreachable, "receiving", "the server closed the connection");
    bytes += received;
    count -= (size_t)received;
  }
}

// A frame is the message's length in four bytes, the most significant first, and the message.
static void send_request(int socket, const Zoo__V1__Request *request) {
  size_t length = zoo__v1__request__get_packed_size(request);
  uint8_t *frame = malloc(4 + length);
  if (frame == NULL) fail(exit_usage, "sending", "out of memory");
  uint32_t header = htonl((uint32_t)length);
  memcpy(frame, &header, sizeof header);
  zoo__v1__request__pack(request, frame + 4);
  send_all(socket, frame, 4 + length);
  free(frame);
}

static Zoo__V1__Response *receive_response(int socket) {
  uint32_t header;
  receive_all(socket, (uint8_t *)&header, sizeof header);
  uint32_t length = ntohl(header);
  if (length > largest_answer) fail(exit_unreachable, "receiving", "the answer is larger than this client reads");
  uint8_t *bytes = malloc(length);
  if (bytes == NULL && length > 0) fail(exit_usage, "receiving", "out of memory");
  receive_all(socket, bytes, length);
  Zoo__V1__Response *response = zoo__v1__response__unpack(NULL, length, bytes);
  free(bytes);
  if (response == NULL) fail(exit_unreachable, "receiving", "the answer is not a zoo.v1.Response");
  if (response->status != NULL && response->status->code != ZOO__V1__STATUS_CODE__STATUS_CODE_OK)
    fail(exit_refused, "the server", response->status->message);
  return response;
}

static int connect_to(const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses = NULL;
  int error = getaddrinfo(host, port, &hints, &addresses);
  if (error != 0) fail(exit_unreachable, host, gai_strerror(error));
  int connected = -1;
  for (struct addrinfo *address = addresses; address != NULL && connected < 0; address = address->ai_next) {
    int candidate = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (candidate < 0) continue;
    if (connect(candidate, address->ai_addr, address->ai_addrlen) == 0) connected = candidate;
    else close(candidate);
  }
  freeaddrinfo(addresses);
  if (connected < 0) fail(exit_unreachable, host, strerror(errno));
  return connected;
}

static ProtobufCBinaryData read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail(exit_usage, path, strerror(errno));
  ProtobufCBinaryData contents = {0, NULL};
  uint8_t chunk[1 << 16];
  size_t count;
  while ((count = fread(chunk, 1, sizeof chunk, file)) > 0) {
    uint8_t *grown = realloc(contents.data, contents.len + count);
    if (grown == NULL) fail(exit_usage, path, "out of memory");
    contents.data = grown;
    memcpy(contents.data + contents.len, chunk, count);
    contents.len += count;
  }
  fclose(file);
  return contents;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: zoo-classify HOST PORT MODEL PICTURE\n");
    return exit_usage;
  }
  ProtobufCBinaryData picture = read_file(argv[4]);
  int socket = connect_to(argv[1], argv[2]);

  Zoo__V1__HelloCall hello = ZOO__V1__HELLO_CALL__INIT;
  hello.protocol_version = protocol_version;
  hello.client = "zoo-classify";
  const char *token = getenv("ZOO_TOKEN");
  if (token != NULL) hello.token = (char *)token;
  Zoo__V1__Request request = ZOO__V1__REQUEST__INIT;
  request.id = 1;
  request.call_case = ZOO__V1__REQUEST__CALL_HELLO;
  request.hello = &hello;
  send_request(socket, &request);
  zoo__v1__response__free_unpacked(receive_response(socket), NULL);

  Zoo__V1__Input input = ZOO__V1__INPUT__INIT;
  input.name = "image";
  input.value_case = ZOO__V1__INPUT__VALUE_IMAGE;
  input.image = picture;
  Zoo__V1__Input *inputs[] = {&input};
  Zoo__V1__InferCall infer = ZOO__V1__INFER_CALL__INIT;
  infer.model = argv[3];
  infer.n_inputs = 1;
  infer.inputs = inputs;
  request.id = 2;
  request.call_case = ZOO__V1__REQUEST__CALL_INFER;
  request.infer = &infer;
  send_request(socket, &request);

  Zoo__V1__Response *response = receive_response(socket);
  if (response->result_case != ZOO__V1__RESPONSE__RESULT_INFER) fail(exit_refused, argv[3], "an unexpected answer");
  for (size_t output = 0; output < response->infer->n_outputs; output++) {
    const Zoo__V1__Output *labels = response->infer->outputs[output];
    if (labels->value_case != ZOO__V1__OUTPUT__VALUE_LABELS) continue;
    for (size_t label = 0; label < labels->labels->n_labels; label++)
      printf("%6.2f %%  %s\n", 100 * labels->labels->labels[label]->probability, labels->labels->labels[label]->name);
  }
  zoo__v1__response__free_unpacked(response, NULL);
  free(picture.data);
  close(socket);
  return exit_answered;
}
