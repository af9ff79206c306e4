#include "providers/upstream.h"

#include <chrono>
#include <optional>
#include <utility>

#include "base/text.h"
#include "formats/error_text.h"
#include "llmorch/version.h"
#include "providers/request_headers.h"
#include "providers/wait_hint.h"

namespace llmorch {
namespace {

constexpr std::size_t kLongestPage = 2048;

TransferSpec new_transfer(const Provider& provider, const Credential& credential,
                          const KeyHeader& key, std::string_view path) {
  TransferSpec out;
  out.url = std::string(provider.base_url).append(path);
  if (!credential.secret.empty()) {
    out.headers.push_back(
        {std::string(key.name), std::string(key.prefix).append(credential.secret.reveal())});
  }
  out.headers.push_back({"User-Agent", "llmorch/" LLMORCH_VERSION});
  out.proxy = provider.proxy;
  out.no_proxy = provider.no_proxy;
  out.http2 = provider.http2;
  return out;
}

}  // namespace

TransferSpec new_request(const Provider& provider, const Credential& credential,
                         const KeyHeader& key, std::string_view path, bool stream) {
  TransferSpec out = new_transfer(provider, credential, key, path);
  out.headers.push_back({"Content-Type", "application/json"});
  out.headers.push_back({"Accept", stream ? "text/event-stream" : "application/json"});
  out.stream = stream;
  return out;
}

Result<TransferSpec> new_list_request(const Provider& provider, const Credential& credential,
                                      const KeyHeader& key, std::string_view path,
                                      std::string_view query, std::string_view page) {
  if (page.size() > kLongestPage)
    return Status(Code::kProtocol,
                  "the upstream's mark of the next page is longer than 2048 bytes");
  TransferSpec out = new_transfer(provider, credential, key, path);
  out.method = "GET";
  out.url.append(query);
  if (!page.empty()) out.url.append(percent_encode(page));
  out.headers.push_back({"Accept", "application/json"});
  if (Status bad = add_own_headers(out.headers, provider); !bad.ok()) return bad;
  return out;
}

Outcome read_upstream_error(int status, const Headers& headers, std::string_view body) {
  const ErrorText error = read_error_text(body);
  Verdict verdict = classify_error(status, error);
  const std::string* said = find_header(headers, "x-should-retry");
  // Where nothing but the status speaks for a fault of the request, an upstream that asks for the
  // same again knows better.
  if (verdict == Verdict::kInvalidRequest && said != nullptr && trim(*said) == "true")
    verdict = Verdict::kConflict;
  // Where waiting cannot help, a wait would only mislead whoever obeys it.
  const auto now = std::chrono::system_clock::now();
  std::optional<std::chrono::milliseconds> wait;
  if (verdict == Verdict::kRateLimit || verdict == Verdict::kOverloaded)
    wait = wait_hint(headers, body, now);
  // Gemini's quotaId, such as GenerateRequestsPerDayPerProjectPerModel; its retryDelay is of
  // seconds.
  if (verdict == Verdict::kBilling && error.words.find("perday") != std::string::npos)
    wait = until_next_day(headers, now);
  return {verdict, error_status(verdict, error, body, wait)};
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const char lower = ascii_lower(c);
    if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
        std::string_view("-._~").find(c) != std::string_view::npos) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

std::string cut_warning(std::string_view cut) {
  return "\"" + std::string(cut) + "\" was cut off; it is added to every request";
}

}  // namespace llmorch
