// Requests without a tree: what they ask for (WIRE_FORMATS 2.2).
#include "json/scan.h"

#include <array>
#include <utility>

#include "formats/anthropic_messages/anthropic_messages.h"

namespace llmorch::anthropic_messages {
namespace {

enum class Top : std::uint8_t { kOther, kModel, kStream, kMessages, kTools, kOutputConfig };

Top top_key(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Top>, 5> kKeys{{
      {"model", Top::kModel},
      {"stream", Top::kStream},
      {"messages", Top::kMessages},
      {"tools", Top::kTools},
      {"output_config", Top::kOutputConfig},
  }};
  for (const auto& [key, top] : kKeys) {
    if (name == key) return top;
  }
  return Top::kOther;
}

// Notes what a request asks for. Depths: 1 the top-level fields, 2 messages and tools, 3 a
// message's fields, 4 content blocks, 5 their fields, 7 the fields of blocks in a tool's result.
class Look : public json::Visitor {
 public:
  explicit Look(RequestScan& out) : out_(out) {}

  bool key(unsigned depth, std::string_view name, std::size_t) override {
    if (depth == 1) top_ = top_key(name);
    if (depth == 2) is_format_ = name == "format";
    is_type_ = (depth == 5 || depth == 7) && name == "type";
    return true;
  }

  bool scalar(unsigned depth, json::Type type, std::string_view text, std::size_t) override {
    if (depth == 1) field(type, text);
    if (depth == 2) element();
    if (is_type_ && top_ == Top::kMessages && text == "image") out_.images = true;
    return true;
  }

  bool open(unsigned depth, json::Type type, std::size_t) override {
    if (depth == 1) field(type, "");
    if (depth == 2) {
      element();
      if (top_ == Top::kOutputConfig && is_format_) out_.structured_output = true;
    }
    is_type_ = false;
    return true;
  }
  bool close(unsigned, json::Type, std::size_t) override { return true; }

  Status check() const {
    if (!error_.ok()) return error_;
    if (model_ == json::Type::kMissing) return missing("model");
    if (messages_type_ == json::Type::kMissing) return missing("messages");
    if (messages_ == 0) {
      return Status(Code::kInvalidArgument, "messages: at least one message is required")
          .with_param("messages");
    }
    return {};
  }

 private:
  void element() {
    if (top_ == Top::kMessages) ++messages_;
    if (top_ == Top::kTools) out_.tools = true;
  }
  void fail(std::string param, std::string_view expected) {
    if (error_.ok()) error_ = wrong_type(std::move(param), expected);
  }

  void field(json::Type type, std::string_view text) {
    switch (top_) {
      case Top::kModel:
        model_ = type;
        out_.model = text;
        if (type != json::Type::kString) fail("model", "a valid string");
        break;
      case Top::kStream:
        out_.stream = text == "true" && type == json::Type::kBool;
        if (type != json::Type::kBool && type != json::Type::kNull) {
          fail("stream", "a valid boolean");
        }
        break;
      case Top::kMessages:
        messages_type_ = type;
        messages_ = 0;
        if (type != json::Type::kArray) fail("messages", "a valid list");
        break;
      case Top::kTools:
        if (type != json::Type::kArray && type != json::Type::kNull) {
          fail("tools", "a valid list");
        }
        break;
      case Top::kOutputConfig:
        out_.structured_output = false;
        break;
      case Top::kOther:
        break;
    }
  }

  RequestScan& out_;
  Top top_ = Top::kOther;
  bool is_format_ = false;
  bool is_type_ = false;
  json::Type model_ = json::Type::kMissing;
  json::Type messages_type_ = json::Type::kMissing;
  std::size_t messages_ = 0;
  Status error_;
};

}  // namespace

Result<RequestScan> scan_request(const Body& body) {
  const std::string copy = body.segments().size() > 1 ? body.str() : "";
  const std::string_view text = copy.empty() ? body.contiguous() : std::string_view(copy);
  RequestScan out;
  Look look(out);
  if (Status status = json::scan_object(text, {}, out, look); !status.ok()) {
    if (status.code() != Code::kCancelled) return wrong_json(status);
    return Status(Code::kInvalidArgument, "The request body must be a JSON object");
  }
  if (Status status = look.check(); !status.ok()) return status;
  return out;
}

}  // namespace llmorch::anthropic_messages
