/* The C ABI from C: a whole answer, a stream, errors, cancelling, and handles freed in either
 * order. Usage: c_smoke BASE_URL-of-a-mock-upstream */
#include <llmorch/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static const int64_t kWaitMs = 10000;
static const char kWhole[] =
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"whole-7431\"}]}";
static const char kStream[] =
    "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
static const char kUnknown[] =
    "{\"model\":\"nobody\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";

static llmorch_stream* open_stream(llmorch_gateway* gateway, const char* body) {
  llmorch_stream* stream = NULL;
  llmorch_error* error =
      llmorch_stream_open(gateway, "openai_chat", 11, body, strlen(body), &stream);
  if (error != NULL) fprintf(stderr, "%s\n", llmorch_error_json(error, NULL));
  CHECK(error == NULL && stream != NULL);
  return stream;
}

/* Reads to the end into `out`; the kind of end is returned, a failure is left in *error. */
static int32_t read_all(llmorch_stream* stream, char* out, size_t room, llmorch_error** error) {
  size_t used = 0;
  for (;;) {
    const char* data;
    size_t len;
    int32_t found = llmorch_stream_next(stream, kWaitMs, &data, &len, error);
    if (found != LLMORCH_DATA) {
      CHECK(data == NULL && len == 0);
      out[used] = '\0';
      return found;
    }
    CHECK(data != NULL && len > 0 && used + len < room);
    memcpy(out + used, data, len);
    used += len;
  }
}

static void expect_error(llmorch_error* error, const char* word) {
  size_t len = 0;
  const char* json = llmorch_error_json(error, &len);
  CHECK(error != NULL && json != NULL && len == strlen(json));
  if (strstr(json, word) == NULL) fprintf(stderr, "no %s in %s\n", word, json);
  CHECK(strstr(json, word) != NULL);
  llmorch_error_free(error);
}

static void bad_arguments(llmorch_gateway* gateway) {
  llmorch_gateway* no_gateway = (llmorch_gateway*)&kWaitMs;
  llmorch_stream* no_stream = (llmorch_stream*)&kWaitMs;
  const char* data;
  size_t len;
  llmorch_error* error;
  expect_error(llmorch_gateway_open("{", 1, &no_gateway), "invalid_argument");
  CHECK(no_gateway == NULL);
  expect_error(llmorch_gateway_open(NULL, 1, &no_gateway), "config_json is NULL");
  expect_error(llmorch_gateway_open("{}", 2, NULL), "out is NULL");
  expect_error(llmorch_stream_open(gateway, "klingon", 7, "{}", 2, &no_stream), "klingon");
  CHECK(no_stream == NULL);
  expect_error(llmorch_stream_open(NULL, "openai_chat", 11, "{}", 2, &no_stream), "gateway");
  CHECK(llmorch_stream_next(NULL, 0, &data, &len, &error) == LLMORCH_ERROR);
  expect_error(error, "stream is NULL");
  CHECK(llmorch_error_json(NULL, &len) == NULL && len == 0);
  llmorch_gateway_free(NULL);
  llmorch_stream_free(NULL);
  llmorch_error_free(NULL);
}

int main(int argc, char** argv) {
  static char text[1 << 20];
  char config[1024];
  llmorch_gateway* gateway = NULL;
  llmorch_stream* stream;
  llmorch_error* error;
  const char* data;
  size_t len;
  int32_t found;
  CHECK(argc == 2);
  CHECK(strchr(llmorch_version(), '.') != NULL);

  snprintf(
      config, sizeof config,
      "{\"version\":1,\"providers\":[{\"name\":\"mock\",\"type\":\"openai\",\"base_url\":\"%s\","
      "\"api_key\":\"sk-test\"}],\"models\":[{\"name\":\"m\",\"targets\":[{\"provider\":\"mock\","
      "\"model\":\"mock-model\"}]}]}",
      argv[1]);
  error = llmorch_gateway_open(config, strlen(config), &gateway);
  if (error != NULL) fprintf(stderr, "%s\n", llmorch_error_json(error, NULL));
  CHECK(error == NULL && gateway != NULL);
  bad_arguments(gateway);

  stream = open_stream(gateway, kWhole);
  CHECK(read_all(stream, text, sizeof text, &error) == LLMORCH_END && error == NULL);
  CHECK(text[0] == '{' && strstr(text, "whole-7431") != NULL);
  CHECK(llmorch_stream_next(stream, 0, &data, &len, &error) == LLMORCH_END);
  llmorch_stream_free(stream);

  stream = open_stream(gateway, kStream);
  do { /* polling: never waits, so it says LLMORCH_TIMEOUT until there is something */
    found = llmorch_stream_next(stream, 0, &data, &len, &error);
  } while (found == LLMORCH_TIMEOUT);
  CHECK(found == LLMORCH_DATA && len > 5 && memcmp(data, "data:", 5) == 0);
  memcpy(text, data, len); /* it may well have been all of them */
  CHECK(read_all(stream, text + len, sizeof text - len, &error) == LLMORCH_END);
  len = strlen(text);
  CHECK(len > 14 && strcmp(text + len - 14, "data: [DONE]\n\n") == 0);
  llmorch_stream_free(stream);

  stream = open_stream(gateway, kUnknown);
  CHECK(read_all(stream, text, sizeof text, &error) == LLMORCH_ERROR);
  CHECK(strstr(text, "model_not_found") != NULL); /* as a client would have seen it */
  expect_error(error, "\"http_status\":404");
  llmorch_stream_free(stream);

  stream = open_stream(gateway, kStream); /* freed unread: cancelled */
  llmorch_stream_free(stream);
  stream = open_stream(gateway, kWhole); /* outlives its gateway's handle */
  llmorch_gateway_free(gateway);
  CHECK(read_all(stream, text, sizeof text, &error) == LLMORCH_END);
  llmorch_stream_free(stream);
  puts("c_smoke: ok");
  return 0;
}
