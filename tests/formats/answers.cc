#include "formats/answers.h"

#include "base/text.h"
#include "net/sse.h"

namespace llmorch::testing {
namespace {

const FormatCodec& codec(Format format = Format::kOpenAiChat) { return *find_format(format); }

AnswerOptions options(bool stream, bool hide_usage = false) {
  AnswerOptions out;
  out.stream = stream;
  out.hide_usage = hide_usage;
  out.request_id = "test";
  return out;
}

Frame whole_frame(std::string_view body) {
  Frame frame;
  frame.raw = frame.data = body;
  frame.has_data = true;
  return frame;
}

template <class OnFrame>
void each_frame(std::string_view sse, std::size_t cut, OnFrame on_frame) {
  SseFramer framer;
  Frame frame;
  if (cut == 0) cut = sse.size();
  while (!sse.empty()) {
    const std::string_view piece = sse.substr(0, cut);
    sse.remove_prefix(piece.size());
    if (!framer.feed(piece).ok()) return;
    while (framer.take(frame)) on_frame(frame);
    cut = sse.size();  // the cut is one place; the rest comes as one piece
  }
  if (framer.finish(frame)) on_frame(frame);
}

std::string place(int choice, int part) {
  return std::to_string(choice) + "." + std::to_string(part);
}

std::string_view kind_name(PartKind kind) {
  switch (kind) {
    case PartKind::kText:
      return "text";
    case PartKind::kReasoning:
      return "reasoning";
    case PartKind::kRefusal:
      return "refusal";
    case PartKind::kToolCall:
      return "call";
    case PartKind::kAudio:
      return "audio";
    case PartKind::kImage:
      return "image";
    case PartKind::kOpaque:
      return "opaque";
  }
  return "?";
}

void note(Watched& out, const FrameNote& note, std::string_view raw) {
  out.content = out.content || note.content;
  out.done = out.done || note.done;
  if (out.finish == FinishReason::kNone) out.finish = note.finish;
  if (note.has_usage) {
    out.has_usage = true;
    out.usage = note.usage;
    out.raw_usage = note.raw_usage;
  }
  if (out.model.empty()) out.model = note.model;
  if (out.verdict == Verdict::kOk && note.verdict != Verdict::kOk) {
    out.verdict = note.verdict;
    out.error = note.error;
  }
  if (!note.hide && note.verdict == Verdict::kOk) out.out.append(raw);
}

}  // namespace

bool same_json(const json::Value& a, const json::Value& b) {
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case json::Type::kString:
      return a.string() == b.string();
    case json::Type::kArray: {
      const auto left = a.items();
      const auto right = b.items();
      if (left.size() != right.size()) return false;
      for (std::size_t i = 0; i < left.size(); ++i) {
        if (!same_json(left[i], right[i])) return false;
      }
      return true;
    }
    case json::Type::kObject: {
      if (a.size() != b.size()) return false;
      for (const json::Value::Member& member : a.members()) {
        if (!same_json(a[member.key], b[member.key])) return false;
      }
      return true;
    }
    default:
      return a.raw() == b.raw();
  }
}

bool same_json(std::string_view a, std::string_view b) {
  const auto left = json::Document::parse(std::string(a));
  const auto right = json::Document::parse(std::string(b));
  return left && right && same_json(left->root(), right->root());
}

std::string show(const Event& event) {
  if (const auto* e = std::get_if<event::Start>(&event)) {
    return "start " + e->id + " " + e->model + " " + std::to_string(e->created);
  }
  if (const auto* e = std::get_if<event::PartStart>(&event)) {
    std::string out = "open " + place(e->choice, e->part) + " " + std::string(kind_name(e->kind));
    if (e->kind == PartKind::kToolCall) {
      out.append(" " + e->id + " " + e->name);
      if (e->tool_type != "function") out.append(" " + e->tool_type);
    }
    return out;
  }
  if (const auto* e = std::get_if<event::PartDelta>(&event)) {
    return "delta " + place(e->choice, e->part) + " " + json_string(e->text) +
           (e->signature.empty() ? "" : " signed " + e->signature);
  }
  if (const auto* e = std::get_if<event::PartEnd>(&event)) {
    return "close " + place(e->choice, e->part);
  }
  if (const auto* e = std::get_if<event::Citation>(&event)) {
    return "citation " + place(e->choice, e->part) + " " + e->url + " " + std::to_string(e->begin) +
           "-" + std::to_string(e->end);
  }
  if (const auto* e = std::get_if<event::Logprobs>(&event)) {
    return "logprobs " + std::to_string(e->choice) + " " + e->field + " " + e->json;
  }
  if (const auto* e = std::get_if<event::Finish>(&event)) {
    return "finish " + std::to_string(e->choice) + " " +
           std::string(finish_reason_name(e->reason)) + " (" + e->raw + ")";
  }
  if (const auto* e = std::get_if<event::UsageUpdate>(&event)) {
    const Usage& u = e->usage;
    return "usage " + std::to_string(u.input) + "+" + std::to_string(u.input_cache_read) + "+" +
           std::to_string(u.input_cache_write) + " " + std::to_string(u.output) + "+" +
           std::to_string(u.output_reasoning);
  }
  if (const auto* e = std::get_if<event::Error>(&event)) {
    return "error " + std::string(verdict_name(e->verdict)) + ": " + e->status.message();
  }
  if (const auto* e = std::get_if<event::ExtraField>(&event)) {
    return "extra " + std::to_string(e->choice) + " " + e->extra.path + " " + e->extra.json;
  }
  return "end";
}

std::vector<std::string> show(const std::vector<Event>& events) {
  std::vector<std::string> out;
  for (const Event& event : events) out.push_back(show(event));
  return out;
}

std::vector<Event> settled(const std::vector<Event>& events) {
  std::vector<Event> out;
  for (const Event& event : events) {
    const auto* delta = std::get_if<event::PartDelta>(&event);
    auto* last = out.empty() ? nullptr : std::get_if<event::PartDelta>(&out.back());
    if (delta != nullptr && last != nullptr && last->choice == delta->choice &&
        last->part == delta->part) {
      last->text.append(delta->text);
      last->signature.append(delta->signature);
      continue;
    }
    out.push_back(event);
  }
  return out;
}

std::vector<Event> decode_stream(std::string_view sse, std::size_t cut, Format format) {
  const auto decoder = codec(format).new_decoder(options(true));
  std::vector<Event> out;
  each_frame(sse, cut, [&](const Frame& frame) { decoder->on_frame(frame, out); });
  decoder->on_close(out);
  return out;
}

std::vector<Event> decode_whole(std::string_view body, Format format) {
  const auto decoder = codec(format).new_decoder(options(false));
  std::vector<Event> out;
  decoder->on_frame(whole_frame(body), out);
  decoder->on_close(out);
  return out;
}

std::string encode(const std::vector<Event>& events, bool stream, bool hide_usage) {
  const auto encoder = codec().new_encoder(options(stream, hide_usage));
  std::string out;
  for (const Event& event : events) encoder->on_event(event, out);
  return out;
}

Watched watch_stream(std::string_view sse, bool hide_usage) {
  const auto watcher = codec().new_watcher(options(true, hide_usage));
  Watched out;
  each_frame(sse, 0, [&](const Frame& frame) { note(out, watcher->on_frame(frame), frame.raw); });
  out.close = watcher->on_close();
  return out;
}

Watched watch_whole(std::string_view body) {
  const auto watcher = codec().new_watcher(options(false));
  Watched out;
  note(out, watcher->on_frame(whole_frame(body)), body);
  out.close = watcher->on_close();
  return out;
}

std::string as_sse(const std::vector<std::string>& chunks, bool done) {
  std::string out;
  for (const std::string& chunk : chunks) out.append("data: ").append(chunk).append("\n\n");
  return done ? out.append("data: [DONE]\n\n") : out;
}

}  // namespace llmorch::testing
