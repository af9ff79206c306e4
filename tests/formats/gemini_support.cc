#include "formats/gemini_support.h"

#include <algorithm>
#include <utility>

#include "formats/answers.h"
#include "formats/upstream_bodies.h"
#include "json/json.h"
#include "net/sse.h"

namespace llmorch::testing {
namespace {

AnswerOptions options(bool stream, const AnswerHints& hints = {}) {
  AnswerOptions out;
  out.stream = stream;
  out.request_id = "test";
  out.hints = hints;
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
  for (const std::string_view piece : {sse.substr(0, cut), sse.substr(std::min(cut, sse.size()))}) {
    if (piece.empty() || !framer.feed(piece).ok()) continue;
    while (framer.take(frame)) on_frame(frame);
  }
  if (framer.finish(frame)) on_frame(frame);
}

}  // namespace

const FormatCodec& gemini() { return *find_format(Format::kGemini); }

Result<EncodedRequest> to_gemini(Format from, std::string_view body, RequestEdits edits) {
  CallSpec spec;
  spec.format = from;
  spec.path = "/v1beta/models/caller-model:generateContent";
  spec.body = Body(std::string(body));
  auto request = find_format(from)->decode(spec);
  if (!request) return request.error();
  auto out = gemini().encode(*request, edits);
  if (out) keep_upstream_body("gemini", out->body.str());
  return out;
}

Result<EncodedRequest> chat_to_gemini(std::string_view body, std::string_view model) {
  RequestEdits edits;
  edits.model = model;
  return to_gemini(Format::kOpenAiChat, body, std::move(edits));
}

std::string value_at(std::string_view json, std::string_view pointer) {
  const auto document = json::Document::parse(std::string(json));
  if (!document) return "not JSON";
  json::Value value = document->root();
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    const std::string step(pointer.substr(0, end));
    value = value.is_array() ? value.at(static_cast<std::size_t>(std::stoul(step))) : value[step];
    pointer.remove_prefix(end);
  }
  return std::string(value.raw());
}

CallSpec gemini_call(std::string_view body, std::string_view path) {
  CallSpec spec;
  spec.format = Format::kGemini;
  spec.path = path;
  spec.body = Body(std::string(body));
  return spec;
}

std::vector<Event> gemini_stream(std::string_view sse, std::size_t cut, const AnswerHints& hints) {
  const auto decoder = gemini().new_decoder(options(true, hints));
  std::vector<Event> out;
  each_frame(sse, cut, [&](const Frame& frame) { decoder->on_frame(frame, out); });
  decoder->on_close(out);
  return out;
}

std::vector<Event> gemini_whole(std::string_view body, const AnswerHints& hints) {
  const auto decoder = gemini().new_decoder(options(false, hints));
  std::vector<Event> out;
  decoder->on_frame(whole_frame(body), out);
  decoder->on_close(out);
  return out;
}

std::vector<std::string> shown(const std::vector<Event>& events) {
  std::vector<std::string> out;
  for (Event event : settled(events)) {
    if (auto* start = std::get_if<event::PartStart>(&event)) {
      if (start->id.size() == 29 && start->id.rfind("call_", 0) == 0) start->id = "<made>";
    }
    out.push_back(show(event));
  }
  return out;
}

Looked watch_gemini(std::string_view text, bool stream) {
  const auto watcher = gemini().new_watcher(options(stream));
  Looked out;
  const auto on_frame = [&](const Frame& frame) {
    const FrameNote note = watcher->on_frame(frame);
    out.content = out.content || note.content;
    out.done = out.done || note.done;
    if (note.finish != FinishReason::kNone) out.finish = note.finish;
    if (note.has_usage) {
      out.has_usage = true;
      out.usage = note.usage;
    }
    out.model = note.model;
    if (out.verdict == Verdict::kOk) out.verdict = note.verdict;
    if (!note.hide && note.verdict == Verdict::kOk) out.out.append(frame.raw);
  };
  if (stream) {
    each_frame(text, text.size(), on_frame);
  } else {
    on_frame(whole_frame(text));
  }
  out.close = watcher->on_close();
  return out;
}

std::string encode_gemini(const std::vector<Event>& events, const AnswerOptions& options) {
  const auto encoder = gemini().new_encoder(options);
  std::string out;
  for (const Event& event : events) encoder->on_event(event, out);
  return out;
}

}  // namespace llmorch::testing
