#include "formats/accumulator.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "formats/object_writer.h"
#include "json/json.h"

namespace llmorch {
namespace {

constexpr int kMergeDepth = 8;

bool is_label(std::string_view key) {
  static constexpr std::array<std::string_view, 6> kLabels{"id",     "type",       "index",
                                                           "format", "expires_at", "role"};
  return std::find(kLabels.begin(), kLabels.end(), key) != kLabels.end();
}

std::string merge(const json::Value& a, const json::Value& b, bool label, int depth) {
  if (!a.exists() || a.is_null() || depth > kMergeDepth) return std::string(b.raw());
  if (b.is_null()) return std::string(a.raw());
  if (a.is_string() && b.is_string() && !label) {
    return json_string(a.string().value_or("") + b.string().value_or(""));
  }
  if (a.is_array() && b.is_array()) {
    if (a.size() == 0) return std::string(b.raw());
    if (b.size() == 0) return std::string(a.raw());
    std::string out(a.raw().substr(0, a.raw().size() - 1));
    return out.append(",").append(b.raw().substr(1));
  }
  if (!a.is_object() || !b.is_object()) return std::string(b.raw());
  std::string out;
  ObjectWriter object(out);
  for (const json::Value::Member& member : a.members()) {
    if (object.wrote(member.key)) continue;
    const json::Value other = b[member.key];
    object.raw(member.key, other.exists()
                               ? merge(member.value, other, is_label(member.key), depth + 1)
                               : std::string(member.value.raw()));
  }
  for (const json::Value::Member& member : b.members()) {
    if (!object.wrote(member.key)) object.raw(member.key, member.value.raw());
  }
  object.close();
  return out;
}

void join_lists(std::string& list, const std::string& more) {
  list = list.empty() ? more : merge_json(list, more);
}

}  // namespace

std::string merge_json(std::string_view earlier, std::string_view later) {
  const auto a = json::Document::parse(std::string(earlier));
  const auto b = json::Document::parse(std::string(later));
  if (!b) return std::string(earlier);
  if (!a) return std::string(later);
  return merge(a->root(), b->root(), false, 0);
}

AnswerPart* Accumulator::find(int choice, int part) {
  const auto found = answer_.choices.find(choice);
  if (found == answer_.choices.end() || part < 0) return nullptr;
  auto& parts = found->second.parts;
  const auto index = static_cast<std::size_t>(part);
  return index < parts.size() ? &parts[index] : nullptr;
}

void Accumulator::add_extra(const event::ExtraField& field) {
  Extras& extras = field.choice < 0 ? answer_.extras : answer_.choices[field.choice].extras;
  const auto same = std::find_if(extras.begin(), extras.end(), [&](const Extra& extra) {
    return extra.path == field.extra.path;
  });
  if (same == extras.end()) {
    extras.push_back(field.extra);
  } else if (field.choice >= 0 && field.extra.path.rfind("/message/", 0) == 0) {
    same->json = merge_json(same->json, field.extra.json);  // it came in pieces
  } else {
    same->json = field.extra.json;
  }
}

void Accumulator::add(const Event& event) {
  if (answer_.complete || answer_.error) return;
  if (const auto* start = std::get_if<event::Start>(&event)) {
    answer_.start = *start;
  } else if (const auto* opened = std::get_if<event::PartStart>(&event)) {
    auto& parts = answer_.choices[opened->choice].parts;
    if (static_cast<std::size_t>(opened->part) == parts.size()) parts.push_back({*opened, "", "", {}});
  } else if (const auto* delta = std::get_if<event::PartDelta>(&event)) {
    if (AnswerPart* part = find(delta->choice, delta->part)) {
      part->text.append(delta->text);
      if (!delta->signature.empty()) part->signature = delta->signature;
    }
  } else if (const auto* citation = std::get_if<event::Citation>(&event)) {
    if (AnswerPart* part = find(citation->choice, citation->part))
      part->citations.push_back(*citation);
  } else if (const auto* logprobs = std::get_if<event::Logprobs>(&event)) {
    AnswerChoice& choice = answer_.choices[logprobs->choice];
    join_lists(logprobs->field == "refusal" ? choice.refusal_logprobs : choice.content_logprobs,
               logprobs->json);
  } else if (const auto* finish = std::get_if<event::Finish>(&event)) {
    AnswerChoice& choice = answer_.choices[finish->choice];
    choice.finish = finish->reason;
    choice.finish_raw = finish->raw;
    choice.stop_sequence = finish->stop_sequence;
    choice.explanation = finish->explanation;
  } else if (const auto* usage = std::get_if<event::UsageUpdate>(&event)) {
    answer_.usage = usage->usage;
    answer_.raw_usage = usage->raw;
  } else if (const auto* extra = std::get_if<event::ExtraField>(&event)) {
    add_extra(*extra);
  } else if (const auto* error = std::get_if<event::Error>(&event)) {
    answer_.error = *error;
  } else if (std::holds_alternative<event::End>(event)) {
    answer_.complete = true;
  }
}

}  // namespace llmorch
