#include <algorithm>

#include "base/text.h"
#include "formats/gemini/gemini.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

class Codec : public FormatCodec {
 public:
  Format id() const override { return Format::kGemini; }
  Result<RequestScan> scan(const CallSpec& spec) const override { return scan_request(spec); }
  Result<Body> splice(const Body& body, const RequestScan& scan,
                      const RequestEdits& edits) const override {
    return splice_request(body, scan, edits);
  }
  Result<ChatRequest> decode(const CallSpec& spec) const override { return decode_request(spec); }
  Result<EncodedRequest> encode(const ChatRequest& request,
                                const RequestEdits& edits) const override {
    return encode_request(request, edits);
  }
  std::unique_ptr<AnswerDecoder> new_decoder(const AnswerOptions& options) const override {
    return gemini::new_decoder(options);
  }
  std::unique_ptr<AnswerEncoder> new_encoder(const AnswerOptions& options) const override {
    return gemini::new_encoder(options);
  }
  std::unique_ptr<AnswerWatcher> new_watcher(const AnswerOptions& options) const override {
    return gemini::new_watcher(options);
  }
  std::string_view content_type(bool stream) const override {
    return stream ? "text/event-stream" : "application/json";
  }
  std::string error_body(const Status& status, std::string_view) const override {
    return gemini::error_body(status);
  }
  std::string error_frame(const Status& status, std::string_view) const override {
    return gemini::error_frame(status);
  }
  // In a block of its own: a comment beside data would lose the event (3.8).
  std::string_view heartbeat() const override { return ": heartbeat\r\n\r\n"; }
  std::string model_list(const std::vector<std::string>& models) const override;
};

std::string Codec::model_list(const std::vector<std::string>& models) const {
  std::string out = R"({"models":[)";
  for (const std::string& name : models) {
    if (out.back() != '[') out.push_back(',');
    ObjectWriter model(out);
    model.string("name", "models/" + name);
    model.string("version", "001");
    model.string("displayName", name);
    model.raw("supportedGenerationMethods", R"(["generateContent","streamGenerateContent"])");
    model.close();
  }
  return out.append("]}");
}

}  // namespace

const FormatCodec& codec() {
  static const Codec instance;
  return instance;
}

std::string_view status_word(const Status& status) {
  switch (status.code()) {
    case Code::kNotFound:
      return "NOT_FOUND";
    case Code::kAuth:
      return "UNAUTHENTICATED";
    case Code::kPermission:
      return "PERMISSION_DENIED";
    case Code::kBilling:
    case Code::kRateLimited:
      return "RESOURCE_EXHAUSTED";
    case Code::kTimeout:
      return "DEADLINE_EXCEEDED";
    case Code::kCancelled:
      return "CANCELLED";
    case Code::kOverloaded:
    case Code::kNetwork:
    case Code::kNoCandidate:
    case Code::kUnavailable:
      return "UNAVAILABLE";
    default:
      return status.http_status() >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
  }
}

std::string error_body(const Status& status) {
  // SDKs know an error by an integer between 400 and 599.
  const int http = std::clamp(status.http_status(), 400, 599);
  std::string out;
  ObjectWriter body(out);
  ObjectWriter error = body.object("error");
  error.integer("code", http);
  error.string("message", status.message());
  error.string("status", status_word(status));
  std::string details;
  const auto next = [&] { details.push_back(details.empty() ? '[' : ','); };
  if (!status.param().empty()) {
    next();
    ObjectWriter detail(details);
    detail.string("@type", "type.googleapis.com/google.rpc.BadRequest");
    std::string& violations = detail.value("fieldViolations");
    violations.push_back('[');
    ObjectWriter violation(violations);
    violation.string("field", status.param());
    violation.string("description", status.message());
    violation.close();
    violations.push_back(']');
    detail.close();
  }
  if (const auto wait = status.retry_after()) {
    next();
    ObjectWriter detail(details);
    detail.string("@type", "type.googleapis.com/google.rpc.RetryInfo");
    const auto tenths = wait->count() / 100;
    detail.string("retryDelay",
                  std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "s");
    detail.close();
  }
  if (!details.empty()) error.raw("details", details.append("]"));
  error.close();
  body.close();
  return out;
}

std::string error_frame(const Status& status) { return "data: " + error_body(status) + "\r\n\r\n"; }

}  // namespace llmorch::gemini
