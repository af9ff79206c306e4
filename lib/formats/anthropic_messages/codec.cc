#include "base/text.h"
#include "formats/anthropic_messages/anthropic_messages.h"
#include "formats/object_writer.h"

namespace llmorch::anthropic_messages {
namespace {

class Codec : public FormatCodec {
 public:
  Format id() const override { return Format::kAnthropicMessages; }
  Result<RequestScan> scan(const CallSpec& spec) const override { return scan_request(spec.body); }
  Result<Body> splice(const Body& body, const RequestScan& scan,
                      const RequestEdits& edits) const override {
    return splice_request(body, scan, edits);
  }
  Result<ChatRequest> decode(const CallSpec& spec) const override {
    return decode_request(spec.body);
  }
  Result<EncodedRequest> encode(const ChatRequest& request,
                                const RequestEdits& edits) const override {
    return encode_request(request, edits);
  }
  std::unique_ptr<AnswerDecoder> new_decoder(const AnswerOptions& options) const override {
    return anthropic_messages::new_decoder(options);
  }
  std::unique_ptr<AnswerEncoder> new_encoder(const AnswerOptions& options) const override {
    return options.stream ? new_stream_encoder(options) : new_whole_encoder(options);
  }
  std::unique_ptr<AnswerWatcher> new_watcher(const AnswerOptions& options) const override {
    return anthropic_messages::new_watcher(options);
  }
  std::string_view content_type(bool stream) const override {
    return stream ? "text/event-stream" : "application/json";
  }
  std::string error_body(const Status& status, std::string_view request_id) const override {
    return anthropic_messages::error_body(status, request_id);
  }
  std::string error_frame(const Status& status, std::string_view request_id) const override {
    return anthropic_messages::error_frame(status, request_id);
  }
  std::string_view heartbeat() const override {
    return "event: ping\ndata: {\"type\":\"ping\"}\n\n";
  }
  std::string model_list(const std::vector<std::string>& models) const override;
};

std::string Codec::model_list(const std::vector<std::string>& models) const {
  std::string out;
  ObjectWriter list(out);
  std::string& data = list.value("data");
  data.push_back('[');
  for (const std::string& name : models) {
    if (data.back() != '[') data.push_back(',');
    ObjectWriter model(data);
    model.string("type", "model");
    model.string("id", name);
    model.string("display_name", name);
    model.string("created_at", "1970-01-01T00:00:00Z");  // the SDKs parse a date
    model.close();
  }
  data.push_back(']');
  for (const auto& [key, name] :
       {std::pair{"first_id", models.empty() ? nullptr : &models.front()},
        std::pair{"last_id", models.empty() ? nullptr : &models.back()}}) {
    if (name == nullptr) {
      list.raw(key, "null");
    } else {
      list.string(key, *name);
    }
  }
  list.boolean("has_more", false);
  list.close();
  return out;
}

// The column "Anthropic type" of WIRE_FORMATS 7.1.
std::string_view error_type(const Status& status) {
  switch (status.code()) {
    case Code::kAuth:
      return "authentication_error";
    case Code::kPermission:
      return "permission_error";
    case Code::kBilling:
      return "billing_error";
    case Code::kNotFound:
      return "not_found_error";
    case Code::kTooLarge:
      return "request_too_large";
    case Code::kRateLimited:
      return "rate_limit_error";
    case Code::kOverloaded:
    case Code::kUnavailable:
    case Code::kNoCandidate:
      return "overloaded_error";
    case Code::kTimeout:
      return "timeout_error";
    default:
      return status.http_status() >= 500 ? "api_error" : "invalid_request_error";
  }
}

}  // namespace

const FormatCodec& codec() {
  static const Codec instance;
  return instance;
}

std::string error_body(const Status& status, std::string_view request_id) {
  std::string out;
  ObjectWriter body(out);
  body.string("type", "error");
  ObjectWriter error = body.object("error");
  error.string("type", error_type(status));
  // This format has no place for the field at fault but the sentence.
  const std::string& param = status.param();
  const bool named = param.empty() || status.message().find(param) != std::string::npos;
  error.string("message", named ? status.message() : param + ": " + status.message());
  error.close();
  if (!request_id.empty()) body.string("request_id", request_id);
  body.close();
  return out;
}

std::string error_frame(const Status& status, std::string_view request_id) {
  return "event: error\ndata: " + error_body(status, request_id) + "\n\n";
}

Status wrong_json(const Status& why) {
  return why.with_message("The request body is not valid JSON: " + why.message())
      .with_http_status(400);
}

Status wrong_type(std::string param, std::string_view expected) {
  std::string text = param + ": Input should be ";
  text.append(expected);
  return Status(Code::kInvalidArgument, std::move(text)).with_param(std::move(param));
}

Status missing(std::string param) {
  return Status(Code::kInvalidArgument, param + ": Field required").with_param(std::move(param));
}

bool is_whole_body(const Frame& frame) {
  return frame.raw.data() == frame.data.data() && frame.raw.size() == frame.data.size();
}

Status not_json(std::string_view what, const Status& why) {
  return Status(Code::kProtocol, std::string(what) + " is not JSON: " + why.message());
}
Status not_a_message() { return Status(Code::kProtocol, "the upstream's answer is not a message"); }
Status spliced() {
  return Status(Code::kProtocol, "the upstream began a second message inside the first");
}
Status truncated() {
  return Status(Code::kNetwork, "the upstream closed the stream before the answer was complete");
}

}  // namespace llmorch::anthropic_messages
