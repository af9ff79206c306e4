#include "base/text.h"
#include "formats/error_text.h"
#include "formats/object_writer.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {
namespace {

class Codec : public FormatCodec {
 public:
  Format id() const override { return Format::kOpenAiChat; }
  Result<RequestScan> scan(const CallSpec& spec) const override { return scan_request(spec.body); }
  Result<Body> splice(const Body& body, const RequestScan& scan,
                      const RequestEdits& edits) const override {
    return splice_request(body, scan, edits);
  }
  Result<ChatRequest> decode(const CallSpec& spec) const override {
    return decode_request(spec.body);
  }
  Result<EncodedRequest> encode(const ChatRequest& request,
                                const RequestEdits& options) const override {
    return encode_request(request, options);
  }
  std::unique_ptr<AnswerDecoder> new_decoder(const AnswerOptions& options) const override {
    return openai_chat::new_decoder(options);
  }
  std::unique_ptr<AnswerEncoder> new_encoder(const AnswerOptions& options) const override {
    return options.stream ? new_stream_encoder(options) : new_whole_encoder(options);
  }
  std::unique_ptr<AnswerWatcher> new_watcher(const AnswerOptions& options) const override {
    return openai_chat::new_watcher(options);
  }
  std::string_view content_type(bool stream) const override {
    return stream ? "text/event-stream" : "application/json";
  }
  std::string error_body(const Status& status, std::string_view) const override {
    return openai_chat::error_body(status);
  }
  std::string error_frame(const Status& status, std::string_view) const override {
    return openai_chat::error_frame(status);
  }
  std::string_view heartbeat() const override { return ": heartbeat\n\n"; }
  std::string model_list(const std::vector<std::string>& models) const override;
};

std::string Codec::model_list(const std::vector<std::string>& models) const {
  std::string out = R"({"object":"list","data":[)";
  for (const std::string& name : models) {
    if (out.back() != '[') out.push_back(',');
    ObjectWriter model(out);
    model.string("id", name);
    model.string("object", "model");
    model.integer("created", 0);
    model.string("owned_by", "llmorch");
    model.close();
  }
  return out.append("]}");
}

// The `type` column of WIRE_FORMATS 7.1; SDKs choose their class by status, people read this.
std::string_view error_type(const Status& status) {
  switch (status.code()) {
    case Code::kAuth:
      return "authentication_error";
    case Code::kPermission:
      return "permission_error";
    case Code::kBilling:
      return "insufficient_quota";
    case Code::kRateLimited:
      return "rate_limit_error";
    default:
      return status.http_status() >= 500 ? "server_error" : "invalid_request_error";
  }
}

}  // namespace

const FormatCodec& codec() {
  static const Codec instance;
  return instance;
}

std::string error_body(const Status& status) {
  std::string out;
  ObjectWriter body(out);
  ObjectWriter error = body.object("error");
  error.string("message", status.message());
  error.string("type", error_type(status));
  if (status.param().empty()) {
    error.raw("param", "null");
  } else {
    error.string("param", status.param());
  }
  // OpenAI gives plain invalid requests no code.
  const std::string_view reason = status.reason();
  if (reason.empty() || reason == "invalid_request") {
    error.raw("code", "null");
  } else {
    error.string("code", reason);
  }
  error.close();
  body.close();
  return out;
}

std::string error_frame(const Status& status) { return "data: " + error_body(status) + "\n\n"; }

Status wrong_json(const Status& why) {
  const std::string text =
      "We could not parse the JSON body of your request: " + why.message() + ".";
  return why.with_message(text).with_http_status(400);
}

Status wrong_type(std::string param, std::string_view expected, json::Type got) {
  std::string text = "Invalid type for '" + param + "': expected ";
  text.append(expected).append(", but got ").append(json::type_name(got)).append(" instead.");
  return Status(Code::kInvalidArgument, std::move(text))
      .with_reason("invalid_type")
      .with_param(std::move(param));
}

Status missing(std::string param) {
  return Status(Code::kInvalidArgument, "Missing required parameter: '" + param + "'.")
      .with_reason("missing_required_parameter")
      .with_param(std::move(param));
}

Status not_json(std::string_view what, const Status& why) {
  return Status(Code::kProtocol, std::string(what) + " is not JSON: " + why.message());
}
Status no_choices() { return Status(Code::kProtocol, "the upstream's answer has no choices"); }
Status truncated() {
  return Status(Code::kNetwork, "the upstream closed the stream before the answer was complete");
}

InBand read_in_band_error(std::string_view json) {
  const ErrorText error = read_error_text(json);
  const Verdict verdict = classify_error(200, error);
  return {verdict, error_status(verdict, error, json)};
}

bool is_whole_body(const Frame& frame) {
  return frame.raw.data() == frame.data.data() && frame.raw.size() == frame.data.size();
}

}  // namespace llmorch::openai_chat
