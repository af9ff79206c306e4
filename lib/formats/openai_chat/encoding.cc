#include "formats/openai_chat/encoding.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace llmorch::openai_chat {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestId = 40;
constexpr std::size_t kDigest = 8;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// The same text gives the same letters, so that a call and its result still meet.
std::string digest(std::string_view text, std::size_t length) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  std::string out;
  for (std::size_t i = 0; i < length; ++i) {
    out.push_back(kLetters[hash % kLetters.size()]);
    hash /= kLetters.size();
  }
  return out;
}

}  // namespace

Encoding::Encoding(const ChatRequest& from, const RequestEdits& with)
    : request(from),
      edits(with),
      own(from.format == Format::kOpenAiChat),
      model(find_model(with.model.empty() ? from.model : with.model, with.capabilities)) {}

void Encoding::fail(std::string param, std::string why) {
  if (!error.ok()) return;
  error = Status(Code::kUnsupported, std::move(why)).with_param(std::move(param));
}

void Encoding::drop(std::string_view what) {
  auto& dropped = result.dropped;
  if (std::find(dropped.begin(), dropped.end(), what) == dropped.end()) dropped.emplace_back(what);
}

void Encoding::drop_extras(const Extras& of, std::string_view prefix) {
  if (own) return;
  for (const Extra& extra : of) {
    if (extra.restated || extra.path.empty()) continue;
    const std::size_t end = extra.path.find('/', 1);
    drop(std::string(prefix) + extra.path.substr(1, end == extra.path.npos ? end : end - 1));
  }
}

std::string Encoding::tool_name(const std::string& asked) {
  const bool legal = !asked.empty() && asked.size() <= kLongestName &&
                     std::all_of(asked.begin(), asked.end(), is_name_char);
  if (own || legal) return asked;
  std::string sent;
  for (const char c : asked.substr(0, kLongestName - kDigest - 1)) {
    sent.push_back(is_name_char(c) ? c : '_');
  }
  sent.append("_").append(digest(asked, kDigest));
  auto& names = result.hints.tool_names;
  const std::pair<std::string, std::string> entry(sent, asked);
  if (std::find(names.begin(), names.end(), entry) == names.end()) names.push_back(entry);
  return sent;
}

std::string Encoding::call_id(const std::string& id) const {
  if (own) return id;
  if (model.id_length > 0) {
    const bool fits = id.size() == model.id_length && std::all_of(id.begin(), id.end(), [](char c) {
                        return is_name_char(c) && c != '_' && c != '-';
                      });
    return fits ? id : digest(id, model.id_length);
  }
  if (id.size() <= kLongestId) return id;
  return id.substr(0, kLongestId - kDigest - 1) + "_" + digest(id, kDigest);
}

}  // namespace llmorch::openai_chat
