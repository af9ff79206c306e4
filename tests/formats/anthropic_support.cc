#include "formats/anthropic_support.h"

#include <map>

#include "base/text.h"
#include "formats/upstream_bodies.h"
#include "net/sse.h"

namespace llmorch::testing {
namespace {

template <class OnFrame>
void each_frame(std::string_view text, bool stream, std::size_t cut, OnFrame on_frame) {
  Frame frame;
  if (!stream) {
    frame.raw = frame.data = text;
    frame.has_data = true;
    return on_frame(frame);
  }
  SseFramer framer;
  if (cut == 0) cut = text.size();
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, cut);
    text.remove_prefix(piece.size());
    if (!framer.feed(piece).ok()) return;
    while (framer.take(frame)) on_frame(frame);
    cut = text.size();
  }
  if (framer.finish(frame)) on_frame(frame);
}

}  // namespace

const FormatCodec& anthropic() { return *find_format(Format::kAnthropicMessages); }

Result<ChatRequest> decode_anthropic(std::string_view body) {
  CallSpec spec;
  spec.format = Format::kAnthropicMessages;
  spec.body = Body(std::string(body));
  return anthropic().decode(spec);
}

Result<EncodedRequest> to_anthropic(const ChatRequest& request, const RequestEdits& edits) {
  auto out = anthropic().encode(request, edits);
  if (out) keep_upstream_body("anthropic", out->body.str());
  return out;
}

Result<EncodedRequest> chat_to_anthropic(std::string_view body, std::string_view model,
                                         RequestEdits edits) {
  CallSpec spec;
  spec.body = Body(std::string(body));
  const auto request = find_format(Format::kOpenAiChat)->decode(spec);
  if (!request) return request.error();
  edits.model = model;
  return to_anthropic(*request, edits);
}

std::string body_or_error(const Result<EncodedRequest>& encoded) {
  if (encoded) return encoded->body.str();
  return encoded.error().param() + ": " + encoded.error().message();
}

std::string at_path(std::string_view json, std::string_view path) {
  const auto document = json::Document::parse(std::string(json));
  if (!document) return "not JSON";
  json::Value value = document->root();
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('.'), path.size());
    const std::string step(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
    value = value.is_array() ? value.at(std::stoul(step)) : value[step];
  }
  return std::string(value.raw());
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : " ").append(word);
  return out;
}

std::string as_events(const std::vector<std::string>& chunks) {
  std::string out;
  for (const std::string& chunk : chunks) {
    const auto document = json::Document::parse(chunk);
    const std::string type = document ? document->root()["type"].string().value_or("") : "";
    out.append("event: ").append(type).append("\ndata: ").append(chunk).append("\n\n");
  }
  return out;
}

std::vector<Event> read_anthropic(std::string_view text, bool stream, AnswerOptions options,
                                  std::size_t cut) {
  options.stream = stream;
  const auto decoder = anthropic().new_decoder(options);
  std::vector<Event> out;
  each_frame(text, stream, cut, [&](const Frame& frame) { decoder->on_frame(frame, out); });
  decoder->on_close(out);
  return out;
}

std::string write_anthropic(const std::vector<Event>& events, bool stream, AnswerOptions options) {
  options.stream = stream;
  if (options.request_id.empty()) options.request_id = "test";
  const auto encoder = anthropic().new_encoder(options);
  std::string out;
  for (const Event& event : events) encoder->on_event(event, out);
  return out;
}

Seen watch_anthropic(std::string_view text, bool stream) {
  AnswerOptions options;
  options.stream = stream;
  const auto watcher = anthropic().new_watcher(options);
  Seen seen;
  each_frame(text, stream, 0, [&](const Frame& frame) {
    const FrameNote note = watcher->on_frame(frame);
    seen.content = seen.content || note.content;
    seen.done = seen.done || note.done;
    if (note.finish != FinishReason::kNone) seen.finish = note.finish;
    if (note.has_usage) {
      seen.has_usage = true;
      seen.usage = note.usage;
      seen.raw_usage = note.raw_usage;
    }
    if (seen.model.empty()) seen.model = note.model;
    if (seen.verdict == Verdict::kOk) seen.verdict = note.verdict;
    if (!note.hide && note.verdict == Verdict::kOk) seen.out.append(frame.raw);
  });
  seen.close = watcher->on_close();
  return seen;
}

std::string gist(const std::vector<Event>& events) {
  struct Part {
    std::string head;
    std::string text;
    std::string signature;
    std::string citations;
  };
  std::map<int, Part> parts;
  std::string end;
  for (const Event& event : events) {
    if (const auto* start = std::get_if<event::PartStart>(&event)) {
      parts[start->part].head = std::to_string(static_cast<int>(start->kind)) + " " + start->id +
                                " " + start->name + " " + start->redacted;
    } else if (const auto* delta = std::get_if<event::PartDelta>(&event)) {
      parts[delta->part].text.append(delta->text);
      if (!delta->signature.empty()) parts[delta->part].signature = delta->signature;
    } else if (const auto* citation = std::get_if<event::Citation>(&event)) {
      for (const char c : citation->json) {
        if (c != ' ' && c != '\n') parts[citation->part].citations.push_back(c);
      }
    } else if (const auto* finish = std::get_if<event::Finish>(&event)) {
      end.append("finish ").append(finish_reason_name(finish->reason)).append(" ");
      end.append(finish->raw).append(" ").append(finish->stop_sequence);
    }
  }
  std::string out;
  for (const auto& [index, part] : parts) {
    const bool text = part.head.front() == '0' || part.head.front() == '1';
    if (text && part.text.empty() && part.signature.empty() && part.head.back() == ' ') continue;
    // Opaque parts come in pieces or whole; the corpus test compares them as JSON.
    if (part.head.front() == '6') continue;
    out.append(part.head).append("|");
    const auto document = json::Document::parse(part.text);
    const bool call = part.head.front() == '3' && document;
    out.append(call ? "{" + std::to_string(document->root().size()) + "}" : part.text);
    out.append("|").append(part.signature).append("|").append(part.citations).append("\n");
  }
  return out + end;
}

std::string broken_rule(std::string_view sse) {
  int begun = 0;
  int open = -1;
  int next = 0;
  bool delta = false;
  bool stopped = false;
  std::string kind;
  std::string arguments;
  std::string wrong;
  each_frame(sse, true, 0, [&](const Frame& frame) {
    if (!wrong.empty() || !frame.has_data) return;
    const auto document = json::Document::parse(std::string(frame.data));
    if (!document) {
      wrong = "data is not JSON";
      return;
    }
    const json::Value root = document->root();
    const std::string type = root["type"].string().value_or("");
    const auto index = root["index"].integer();
    if (type != frame.event) wrong = "the event's name is not its type (2.8.1)";
    if (stopped) wrong = "something after message_stop";
    if (type == "ping" || type == "error") return;
    if (begun == 0 && type != "message_start") wrong = "message_start is not the first (2.8.2)";
    if (type == "message_start") {
      if (begun++ > 0) wrong = "a second message_start (2.8.2)";
      const json::Value message = root["message"];
      if (!message["usage"].is_object()) wrong = "message_start without usage (2.8.2)";
      if (!message["content"].is_array()) wrong = "message_start without content (2.8.2)";
    } else if (type == "content_block_start") {
      if (open >= 0) wrong = "two blocks are open (2.8.5)";
      if (index != next) wrong = "indices are not contiguous (2.8.3)";
      open = next++;
      kind = root["content_block"]["type"].string().value_or("");
      arguments.clear();
    } else if (type == "content_block_delta") {
      if (index != open) wrong = "a delta of a block that is not open (2.8.3)";
      const std::string what = root["delta"]["type"].string().value_or("");
      const bool fits = kind == "text"       ? what == "text_delta" || what == "citations_delta"
                        : kind == "thinking" ? what == "thinking_delta" || what == "signature_delta"
                        : kind == "tool_use" ? what == "input_json_delta"
                                             : true;
      if (!fits) wrong = what + " into a block of type " + kind + " (2.8.4)";
      arguments.append(root["delta"]["partial_json"].string().value_or(""));
    } else if (type == "content_block_stop") {
      if (index != open) wrong = "a stop of a block that is not open";
      open = -1;
    } else if (type == "message_delta") {
      delta = true;
      if (!root["usage"]["output_tokens"].integer()) wrong = "no usage.output_tokens (2.8.7)";
      if (!root["delta"]["stop_reason"].is_string()) wrong = "no delta.stop_reason (2.8.7)";
      if (!root["delta"]["stop_sequence"].exists()) wrong = "no delta.stop_sequence (2.8.7)";
    } else if (type == "message_stop") {
      stopped = true;
    }
  });
  if (wrong.empty() && open >= 0) wrong = "a block was left open";
  if (wrong.empty() && (!stopped || !delta)) wrong = "no end (2.8.8)";
  return wrong;
}

}  // namespace llmorch::testing
