// CurlTransfer: one libcurl easy handle, kept warm from one exchange to the next, and the exchange
// that it carries at the moment: options in, listener calls out.
//
// Ownership: owns the handle and everything that libcurl borrows (URL, headers, body). Threads: the
// loop's. It never calls libcurl's multi interface: that is the transport's part, as is making sure
// that nobody re-enters libcurl from a listener.
#ifndef LLMORCH_NET_CURL_TRANSFER_H_
#define LLMORCH_NET_CURL_TRANSFER_H_

#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/spi/transport.h"

namespace llmorch {

class CurlTransfer {
 public:
  CurlTransfer() = default;
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  ~CurlTransfer();  // the handle must be out of its multi

  // What stays the same for every exchange; once per handle. `owner` is what CURLINFO_PRIVATE will
  // say; `close` closes descriptors.
  Status open(void* owner, CURLSH* share, curl_opensocket_callback open_socket,
              curl_closesocket_callback close_socket, void* socket_data);
  bool is_open() const noexcept { return easy_ != nullptr; }
  CURL* easy() const noexcept { return easy_; }
  // Gives the handle's memory back.
  void close();

  // Prepares an exchange. The listener is called only while this is being driven by libcurl.
  Status begin(TransferSpec spec, TransferListener* listener);
  // The same exchange once more, on a new connection.
  void begin_again();
  // Drops what the exchange held; the handle stays warm.
  void reset();

  // The listener, or null: then the exchange is cancelled and makes libcurl give up.
  TransferListener* listener = nullptr;
  bool paused = false;   // body bytes are refused
  bool refused = false;  // libcurl holds bytes that were refused, and waits for curl_easy_pause()

  // Whether an exchange that ended so may have met a connection that the server was just closing:
  // a kept-alive one, and not a byte of an answer. libcurl retries the usual cases by itself, but
  // not a failed send of a large body, nor more than five stale connections in a row.
  bool was_stale(CURLcode code) const;
  TransferEnd end(CURLcode code) const;

 private:
  Status set_url(const std::string& url);
  Status use_url();
  void set_headers(const Headers& headers);
  Status set_method(const std::string& method);
  void add_header(std::string_view name, std::string_view separator, std::string_view value);

  bool on_header_line(std::string_view line);
  bool on_head_complete();
  void request_sent();
  bool fail(Status status);

  static std::size_t header_callback(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t write_callback(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t read_callback(char* data, std::size_t, std::size_t size, void* self);
  static int seek_callback(void* self, curl_off_t offset, int origin);
  static int progress_callback(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent);
  static int connected_callback(void* self, char*, char*, int, int);

  CURL* easy_ = nullptr;
  // Of the URL asked last: parsed once, as most exchanges repeat it.
  std::string url_;
  CURLU* parsed_ = nullptr;
  std::string endpoint_;  // "host:port"

  // The request's headers as libcurl wants them, in memory that is reused.
  std::string header_text_;
  std::vector<std::size_t> header_starts_;
  std::vector<curl_slist> header_list_;

  Body body_;
  std::size_t segment_ = 0;  // where reading the body stands
  std::size_t offset_ = 0;

  Headers head_;
  std::size_t head_bytes_ = 0;
  bool head_complete_ = false;
  bool connected_ = false;
  bool sent_ = false;
  bool retried_ = false;
  std::uint64_t received_ = 0;
  Status failure_;  // why a callback of ours made libcurl give up
  char error_[CURL_ERROR_SIZE] = "";
};

}  // namespace llmorch

#endif  // LLMORCH_NET_CURL_TRANSFER_H_
