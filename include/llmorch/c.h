/* The C ABI of llmorch: what every language other than C++ loads (libllmorch_c.so).
 *
 * Requests and configurations are JSON text, handles are opaque, and there are no public structs,
 * so that a new feature adds no function. Eight functions are all of it:
 *
 *   llmorch_gateway *gateway;
 *   llmorch_error *error = llmorch_gateway_open(config, strlen(config), &gateway);
 *   llmorch_stream *stream;
 *   error = llmorch_stream_open(gateway, "openai_chat", 11, body, strlen(body), &stream);
 *   const char *data; size_t len;
 *   while (llmorch_stream_next(stream, -1, &data, &len, &error) == LLMORCH_DATA)
 *     fwrite(data, 1, len, stdout);
 *   llmorch_stream_free(stream);
 *   llmorch_gateway_free(gateway);
 *
 * A whole answer is a stream that arrives at once: whether a request streams is said in its body
 * ("stream": true), and both are read with llmorch_stream_next().
 *
 * Strings in: pointer and length, UTF-8, no terminating NUL needed, copied before the function
 * returns. A null pointer is allowed where the length is 0.
 * Strings out: borrowed, valid as long as the function says, with a length. Never free() one.
 * Errors: a function that can fail returns a llmorch_error*, NULL being success; the caller owns it
 * and frees it. Nothing here aborts, prints, throws, or reads the environment: "${NAME}" in a
 * configuration is resolved by the llmorch binary, not by this library.
 *
 * Threads: a gateway may be used from any number of threads at once. A stream belongs to one
 * thread at a time; different streams of one gateway are independent. An error is immutable.
 * Freeing must not race any other use of the same handle. A gateway opened here starts two threads
 * (a loop and a writer), which never call into the host. Nothing may be used after fork() in the
 * child but a gateway opened there: older handles answer with an error.
 *
 * Functions are declared here for C11 and C++; symbols carry the version node LLMORCH_0. */
#ifndef LLMORCH_C_H_
#define LLMORCH_C_H_

/* NOLINTBEGIN(modernize-*): this is C. */
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LLMORCH_API __attribute__((visibility("default")))
#else
#define LLMORCH_API
#endif

#ifdef __cplusplus
#define LLMORCH_NOEXCEPT noexcept
extern "C" {
#else
#define LLMORCH_NOEXCEPT
#endif

typedef struct llmorch_gateway llmorch_gateway;
typedef struct llmorch_stream llmorch_stream;
typedef struct llmorch_error llmorch_error;

/* What llmorch_stream_next() found. Parameters and results are int32_t: a new constant is no change
 * of the ABI, so treat one you do not know as LLMORCH_ERROR. */
enum {
  LLMORCH_ERROR = -1, /* the answer is over, and not complete */
  LLMORCH_END = 0,    /* the answer is complete */
  LLMORCH_DATA = 1,   /* bytes in the caller's format */
  LLMORCH_TIMEOUT = 2 /* nothing yet; ask again */
};

/* "0.1.0", of the library that was loaded. Static. */
LLMORCH_API const char* llmorch_version(void) LLMORCH_NOEXCEPT;

/* Opens a gateway from a configuration (JSON; docs/CONFIG.md has the words). *out is the new
 * handle, to be freed by the caller; NULL on failure. The error names everything that is wrong with
 * the configuration. */
LLMORCH_API llmorch_error* llmorch_gateway_open(const char* config_json, size_t config_len,
                                                llmorch_gateway** out) LLMORCH_NOEXCEPT;

/* Gives the handle back; NULL is ignored. Streams still open keep the engine alive: the last handle
 * to go closes it, which may wait for the ends of calls under way (milliseconds). */
LLMORCH_API void llmorch_gateway_free(llmorch_gateway* gateway) LLMORCH_NOEXCEPT;

/* Starts a call. `format` names the dialect of body and answer, e.g. "openai_chat"; `body` is the
 * request as a client of that dialect would send it. Does not wait for the upstream. *out is the
 * new handle, to be freed by the caller; NULL on failure. */
LLMORCH_API llmorch_error* llmorch_stream_open(llmorch_gateway* gateway, const char* format,
                                               size_t format_len, const char* body, size_t body_len,
                                               llmorch_stream** out) LLMORCH_NOEXCEPT;

/* Waits for the next bytes of the answer, at most `timeout_ms` milliseconds (0: does not wait;
 * negative: as long as the call's own time-outs allow).
 *   LLMORCH_DATA     *data and *len are the bytes, valid until the next use of this stream. A
 *                    stream's bytes are whole frames.
 *   LLMORCH_TIMEOUT  nothing within timeout_ms; the call goes on.
 *   LLMORCH_END      the answer is complete. Asking again gives LLMORCH_END again.
 *   LLMORCH_ERROR    *error says why there is no complete answer; the caller frees it. What a
 * client of the format would have been shown (an error body, or an error event inside a stream)
 * came as LLMORCH_DATA before. *data, *len and *error are always set, to NULL and 0 where they have
 * no meaning. `error` may be NULL when the caller does not want to know. */
LLMORCH_API int32_t llmorch_stream_next(llmorch_stream* stream, int64_t timeout_ms,
                                        const char** data, size_t* len,
                                        llmorch_error** error) LLMORCH_NOEXCEPT;

/* Cancels the call if it is still under way, and frees the handle; NULL is ignored. */
LLMORCH_API void llmorch_stream_free(llmorch_stream* stream) LLMORCH_NOEXCEPT;

/* The error as a JSON object, NUL-terminated, with its length if `len` is not NULL; valid until the
 * error is freed:
 *   {"code": "rate_limited", "message": "…", "http_status": 429, "reason": "rate_limit_exceeded",
 *    "param": null, "retry_after_ms": 2000}
 * `code` is one of a closed list, `reason` the word that clients of the caller's format match on;
 * `param` (the request field at fault) and `retry_after_ms` are null where unknown. The message
 * holds no secret. For NULL: NULL. */
LLMORCH_API const char* llmorch_error_json(const llmorch_error* error,
                                           size_t* len) LLMORCH_NOEXCEPT;

/* Frees an error; NULL is ignored. */
LLMORCH_API void llmorch_error_free(llmorch_error* error) LLMORCH_NOEXCEPT;

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*) */
#endif /* LLMORCH_C_H_ */
