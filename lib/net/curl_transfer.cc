#include "net/curl_transfer.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "net/ca_store.h"
#include "net/curl_error.h"

namespace llmorch {
namespace {

constexpr std::size_t kMaxHeadBytes = 64u << 10;  // interim heads and trailers included
constexpr std::size_t kMaxHeaders = 100;
constexpr std::size_t kJoinBelow = 64u << 10;
constexpr long kWholeBuffer = 16 << 10;  // libcurl holds one while a transfer runs
constexpr long kStreamBuffer =
    4 << 10;  // thousands of streams run at once, a few hundred bytes each
constexpr long kConnectBackstopSeconds = 300;
constexpr long kKeepAliveIdleSeconds = 60;
constexpr long kKeepAliveIntervalSeconds = 15;

CURLcode use_shared_store(CURL*, void* ssl_ctx, void*) {
  X509_STORE* store = ca_store();
  if (store == nullptr || X509_STORE_up_ref(store) != 1) return CURLE_OUT_OF_MEMORY;
  SSL_CTX_set_cert_store(static_cast<SSL_CTX*>(ssl_ctx), store);
  return CURLE_OK;
}

// Framing is libcurl's: a second opinion from the caller would smuggle.
bool is_framing_header(std::string_view name) {
  for (std::string_view framing : {"content-length", "transfer-encoding", "expect", "connection"}) {
    if (equals_ignore_case(name, framing)) return true;
  }
  return false;
}

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

}  // namespace

CurlTransfer::~CurlTransfer() {
  close();
  curl_url_cleanup(parsed_);
}

void CurlTransfer::close() {
  if (easy_ != nullptr) curl_easy_cleanup(easy_);
  easy_ = nullptr;
}

Status CurlTransfer::open(void* owner, CURLSH* share, curl_opensocket_callback open_socket,
                          curl_closesocket_callback close_socket, void* socket_data) {
  easy_ = curl_easy_init();
  if (easy_ == nullptr) return Status(Code::kOverloaded, "out of memory for a transfer");
  CURLcode worst = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    const CURLcode code = curl_easy_setopt(easy_, option, value);
    if (code != CURLE_OK) worst = code;
  };
  set(CURLOPT_PRIVATE, owner);
  set(CURLOPT_SHARE, share);
  set(CURLOPT_ERRORBUFFER, error_);
  set(CURLOPT_NOSIGNAL, 1L);
  // Cancelling must not wait for a name lookup that hangs in its thread.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_CONNECTTIMEOUT, kConnectBackstopSeconds);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set(CURLOPT_TCP_KEEPINTVL, kKeepAliveIntervalSeconds);

  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
  set(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
  // No bundle of libcurl's own, or it would load that before it asks us.
  for (CURLoption option :
       {CURLOPT_CAINFO, CURLOPT_CAPATH, CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH}) {
    set(option, static_cast<char*>(nullptr));
  }
  set(CURLOPT_SSL_CTX_FUNCTION, &use_shared_store);

  // What the caller sends to an upstream is none of the proxy's business, and what the proxy says
  // to CONNECT is not the answer.
  set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);

  set(CURLOPT_OPENSOCKETFUNCTION, open_socket);
  set(CURLOPT_OPENSOCKETDATA, socket_data);
  set(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  set(CURLOPT_CLOSESOCKETDATA, socket_data);
  set(CURLOPT_PREREQFUNCTION, &connected_callback);
  set(CURLOPT_PREREQDATA, this);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &progress_callback);
  set(CURLOPT_XFERINFODATA, this);
  set(CURLOPT_HEADERFUNCTION, &header_callback);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &write_callback);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_READFUNCTION, &read_callback);
  set(CURLOPT_READDATA, this);
  set(CURLOPT_SEEKFUNCTION, &seek_callback);
  set(CURLOPT_SEEKDATA, this);
  if (worst == CURLE_OK) return {};
  close();
  return Status(Code::kUnsupported,
                fmt::format("libcurl lacks something: {}", curl_easy_strerror(worst)));
}

Status CurlTransfer::begin(TransferSpec spec, TransferListener* to) {
  listener = to;
  body_ = std::move(spec.body);
  if (Status status = set_url(spec.url); !status.ok()) return status;
  if (Status status = set_method(spec.method); !status.ok()) return status;
  set_headers(spec.headers);
  // Always set, also to nothing: otherwise libcurl asks the environment.
  CURLcode code = curl_easy_setopt(easy_, CURLOPT_PROXY, spec.proxy.c_str());
  if (code == CURLE_OK) code = curl_easy_setopt(easy_, CURLOPT_NOPROXY, spec.no_proxy.c_str());
  if (code == CURLE_OK) {
    code = curl_easy_setopt(
        easy_, CURLOPT_HTTP_VERSION,
        static_cast<long>(spec.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  }
  if (code == CURLE_OK) code = curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 0L);
  if (code == CURLE_OK) {
    code = curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, spec.stream ? kStreamBuffer : kWholeBuffer);
    // After a failed lookup or connect the handle still has its buffer, and libcurl then takes no
    // other size. The old one serves as well.
    if (code == CURLE_BAD_FUNCTION_ARGUMENT) code = CURLE_OK;
  }
  if (code == CURLE_OK) return {};
  return Status(Code::kInvalidArgument, fmt::format("a transfer to {} cannot be set up: {}",
                                                    endpoint_, curl_easy_strerror(code)));
}

void CurlTransfer::begin_again() {
  retried_ = true;
  segment_ = 0;
  offset_ = 0;
  error_[0] = '\0';
  curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
}

void CurlTransfer::reset() {
  listener = nullptr;
  paused = refused = false;
  body_ = Body();
  segment_ = offset_ = 0;
  header_text_.clear();
  header_list_.clear();
  header_starts_.clear();
  head_.clear();
  head_bytes_ = 0;
  head_complete_ = connected_ = sent_ = retried_ = false;
  received_ = 0;
  failure_ = Status();
  error_[0] = '\0';
}

Status CurlTransfer::set_url(const std::string& url) {
  if (parsed_ != nullptr && url == url_) return use_url();
  curl_url_cleanup(parsed_);
  url_.clear();
  endpoint_ = "an upstream";
  parsed_ = curl_url();
  if (parsed_ == nullptr) return Status(Code::kOverloaded, "out of memory for a URL");
  const CURLUcode code = curl_url_set(parsed_, CURLUPART_URL, url.c_str(), CURLU_PATH_AS_IS);
  if (code != CURLUE_OK) {
    curl_url_cleanup(std::exchange(parsed_, nullptr));
    return Status(Code::kInvalidArgument,
                  fmt::format("not a usable URL for an upstream: {}", curl_url_strerror(code)));
  }
  const std::string scheme = part_of(parsed_, CURLUPART_SCHEME);
  const bool has_user =
      !part_of(parsed_, CURLUPART_USER).empty() || !part_of(parsed_, CURLUPART_PASSWORD).empty();
  if ((scheme != "http" && scheme != "https") || has_user) {
    curl_url_cleanup(std::exchange(parsed_, nullptr));
    return Status(Code::kInvalidArgument,
                  has_user ? "the URL of an upstream must not hold a user name or a password"
                           : "the URL of an upstream must be http or https");
  }
  url_ = url;
  endpoint_ =
      part_of(parsed_, CURLUPART_HOST) + ":" + part_of(parsed_, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  return use_url();
}

Status CurlTransfer::use_url() {
  if (curl_easy_setopt(easy_, CURLOPT_CURLU, parsed_) == CURLE_OK) return {};
  return Status(Code::kUnsupported, "libcurl does not take a parsed URL");
}

Status CurlTransfer::set_method(const std::string& method) {
  if (!is_token(method)) return Status(Code::kInvalidArgument, "not an HTTP method");
  const bool has_body = !body_.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  CURLcode code = CURLE_OK;
  if (has_body) {
    // One piece below libcurl's limit for that goes out with the head, in one write.
    if (body_.segments().size() > 1 && body_.size() < kJoinBelow) body_ = Body(body_.str());
    const std::string_view whole = body_.contiguous();
    code = curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    // Not copied: body_ holds the bytes. Without a pointer libcurl reads by read_callback().
    if (code == CURLE_OK) code = curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, whole.data());
    if (code == CURLE_OK) {
      code = curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                              static_cast<curl_off_t>(body_.size()));
    }
  } else {
    code = curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
    if (code == CURLE_OK && method == "HEAD") code = curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
  }
  const bool usual = has_body ? method == "POST" : method == "GET" || method == "HEAD";
  if (code == CURLE_OK) {
    code = curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, usual ? nullptr : method.c_str());
  }
  if (code == CURLE_OK) return {};
  return Status(Code::kInvalidArgument,
                fmt::format("method {} cannot be set up: {}", method, curl_easy_strerror(code)));
}

void CurlTransfer::add_header(std::string_view name, std::string_view separator,
                              std::string_view value) {
  header_starts_.push_back(header_text_.size());
  header_text_.append(name).append(separator).append(value);
  header_text_ += '\0';
}

void CurlTransfer::set_headers(const Headers& headers) {
  bool accept = false;
  bool content_type = false;
  for (const Header& header : headers) {
    if (is_framing_header(header.name)) continue;
    accept = accept || equals_ignore_case(header.name, "accept");
    content_type = content_type || equals_ignore_case(header.name, "content-type");
    // libcurl's way to say "with an empty value"; "name:" would mean "not at all".
    if (trim(header.value).empty()) {
      add_header(header.name, ";", {});
    } else {
      add_header(header.name, ": ", header.value);
    }
  }
  // What libcurl would add unasked. Expect costs a round trip, or a second.
  add_header("Expect", ":", {});
  if (!accept) add_header("Accept", ":", {});
  if (!content_type) add_header("Content-Type", ":", {});
  header_list_.resize(header_starts_.size());
  for (std::size_t i = 0; i < header_list_.size(); ++i) {
    header_list_[i].data = header_text_.data() + header_starts_[i];
    header_list_[i].next = i + 1 < header_list_.size() ? &header_list_[i + 1] : nullptr;
  }
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, header_list_.data());
}

bool CurlTransfer::was_stale(CURLcode code) const {
  if (retried_ || head_bytes_ != 0 || !connected_) return false;
  if (code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR && code != CURLE_GOT_NOTHING) {
    return false;
  }
  long connects = 1;
  curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
  return connects == 0;
}

TransferEnd CurlTransfer::end(CURLcode code) const {
  TransferEnd end;
  long os_error = 0;
  long connects = 0;
  curl_off_t sent = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
  curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
  curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &sent);
  if (!failure_.ok()) {
    end.status = failure_;
  } else {
    // To libcurl a connection that closes between two header lines is a complete answer.
    if (code == CURLE_OK && !head_complete_) code = CURLE_PARTIAL_FILE;
    end.status = curl_status({code, error_, os_error, endpoint_, head_complete_, connected_});
  }
  end.bytes_sent = static_cast<std::uint64_t>(std::max<curl_off_t>(0, sent));
  end.bytes_received = received_;
  end.reused_connection = connected_ && connects == 0;
  return end;
}

bool CurlTransfer::fail(Status status) {
  failure_ = std::move(status);
  return false;
}

int CurlTransfer::connected_callback(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.listener == nullptr) return CURL_PREREQFUNC_ABORT;
  // libcurl comes here again when it retries on another connection.
  if (!std::exchange(transfer.connected_, true)) transfer.listener->on_connected();
  return CURL_PREREQFUNC_OK;
}

void CurlTransfer::request_sent() {
  if (!std::exchange(sent_, true)) listener->on_request_sent();
}

// libcurl 7.88 has no callback for "request sent", but it calls this one, unthrottled, after every
// step of a connected transfer, the step that writes the head (with a body below 64 KB) and each
// step of a larger upload included, with the body bytes that the socket has taken. So it is exact
// to the step for bodies. The head itself is not counted, but it goes out in one write unless a
// socket's first few KB are refused, which does not happen on a connection that has just become
// writable or was idle.
int CurlTransfer::progress_callback(void* self, curl_off_t, curl_off_t, curl_off_t,
                                    curl_off_t sent) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.listener == nullptr) return 1;
  if (transfer.connected_ && static_cast<std::size_t>(sent) >= transfer.body_.size()) {
    transfer.request_sent();
  }
  return 0;
}

std::size_t CurlTransfer::header_callback(char* data, std::size_t, std::size_t size, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.listener == nullptr) return 0;
  return transfer.on_header_line({data, size}) ? size : 0;
}

bool CurlTransfer::on_header_line(std::string_view line) {
  head_bytes_ += line.size();
  if (head_bytes_ > kMaxHeadBytes) {
    return fail(
        Status(Code::kProtocol, fmt::format("the head of the answer of {} is larger than {} "
                                            "bytes",
                                            endpoint_, kMaxHeadBytes)));
  }
  if (head_complete_) return true;  // a trailer
  const bool folded = !line.empty() && (line[0] == ' ' || line[0] == '\t');
  const std::string_view text = trim(line);
  if (text.empty()) return folded || on_head_complete();
  if (folded) {
    if (!head_.empty() && is_header_value(text)) head_.back().value.append(" ").append(text);
    return true;
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return true;  // the status line, or noise
  const std::string_view name = text.substr(0, colon);
  const std::string_view value = trim(text.substr(colon + 1));
  if (!is_token(name) || !is_header_value(value)) return true;  // nothing to pass on to anyone
  if (head_.size() == kMaxHeaders) {
    return fail(Status(Code::kProtocol, fmt::format("the answer of {} has more than {} headers",
                                                    endpoint_, kMaxHeaders)));
  }
  head_.push_back({to_lower(name), std::string(value)});
  return true;
}

bool CurlTransfer::on_head_complete() {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  if (status == 101) {
    return fail(Status(Code::kProtocol,
                       fmt::format("{} switched protocols, which nobody asked for", endpoint_)));
  }
  if (status < 200) {  // interim: the answer is still to come
    head_.clear();
    return true;
  }
  head_complete_ = true;
  // An answer may come before the whole request went out; for whoever measures from there, the
  // request is over.
  request_sent();
  if (listener == nullptr) return false;
  listener->on_head(static_cast<int>(status), head_);
  return listener != nullptr;
}

std::size_t CurlTransfer::write_callback(char* data, std::size_t, std::size_t size, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.listener == nullptr) return CURL_WRITEFUNC_ERROR;
  if (transfer.paused) {
    // libcurl keeps these bytes, one read of its own, and reads no more.
    transfer.refused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  transfer.received_ += size;
  transfer.listener->on_body({data, size});
  return size;
}

std::size_t CurlTransfer::read_callback(char* data, std::size_t, std::size_t size, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.listener == nullptr) return CURL_READFUNC_ABORT;
  const auto& segments = transfer.body_.segments();
  std::size_t copied = 0;
  while (copied < size && transfer.segment_ < segments.size()) {
    const std::string_view rest =
        segments[transfer.segment_].bytes.substr(transfer.offset_, size - copied);
    std::memcpy(data + copied, rest.data(), rest.size());
    copied += rest.size();
    transfer.offset_ += rest.size();
    if (transfer.offset_ == segments[transfer.segment_].bytes.size()) {
      ++transfer.segment_;
      transfer.offset_ = 0;
    }
  }
  return copied;
}

// libcurl rewinds a body when it sends it again on another connection.
int CurlTransfer::seek_callback(void* self, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (origin != SEEK_SET || offset != 0) return CURL_SEEKFUNC_CANTSEEK;
  transfer.segment_ = 0;
  transfer.offset_ = 0;
  return CURL_SEEKFUNC_OK;
}

}  // namespace llmorch
