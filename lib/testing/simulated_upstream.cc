#include "testing/simulated_upstream.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

namespace llmorch::testing {
namespace {

using std::chrono::milliseconds;

struct Frames {
  std::vector<std::string> frames;
  std::size_t usage = 0;  // index of the usage frame
};

Frames stream_frames(std::string_view mark, std::size_t pieces) {
  const auto chunk = [&](std::string_view rest) {
    return fmt::format(
        "data: "
        "{{\"id\":\"c-{0}\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-{0}\","
        "{1}}}\n\n",
        mark, rest);
  };
  Frames out;
  out.frames.push_back(chunk(
      R"("choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null)"));
  for (std::size_t i = 0; i < pieces; ++i) {
    out.frames.push_back(chunk(fmt::format(
        R"("choices":[{{"index":0,"delta":{{"content":"{} {}"}},"finish_reason":null}}],"usage":null)",
        mark, i)));
  }
  out.frames.push_back(
      chunk(R"("choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null)"));
  out.usage = out.frames.size();
  out.frames.push_back(
      chunk(R"("choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12})"));
  out.frames.push_back("data: [DONE]\n\n");
  return out;
}

std::string whole_body(std::string_view mark) {
  return fmt::format(
      R"({{"id":"c-{0}","object":"chat.completion","created":1,"model":"m-{0}","choices":[{{"index":0,"message":{{"role":"assistant","content":"{0}","refusal":null}},"finish_reason":"stop","logprobs":null}}],"usage":{{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}}})",
      mark);
}

// Bytes as beats, cut at random places.
void add_pieces(Beats& script, Random& random, std::string_view bytes, milliseconds most_gap) {
  while (!bytes.empty()) {
    const std::size_t size = 1 + random.below(random.below(4) == 0 ? 16 : 400);
    script.push_back({milliseconds(random.below(static_cast<std::uint64_t>(most_gap.count()) + 1)),
                      Beat::Bytes{std::string(bytes.substr(0, size))}});
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
}

}  // namespace

SimulatedAnswer simulate_answer(Random& random, UpstreamFault fault, std::string_view mark,
                                bool stream, bool usage_asked) {
  SimulatedAnswer out;
  out.fault = fault;
  out.mark = mark;
  const Frames frames = stream_frames(mark, 1 + random.below(5));
  std::string sent;
  if (stream) {
    for (std::size_t i = 0; i < frames.frames.size(); ++i) {
      sent.append(frames.frames[i]);
      if (i != frames.usage || usage_asked) out.full.append(frames.frames[i]);
    }
  } else {
    sent = out.full = whole_body(mark);
  }
  const Headers type{
      {"content-type", stream ? "text/event-stream; charset=utf-8" : "application/json"}};
  const milliseconds gap(fault == UpstreamFault::kSlow ? 900 : 20);

  if (fault == UpstreamFault::kRefused) {
    out.script = refuse_connection(milliseconds(random.below(50)));
    return out;
  }
  if (fault == UpstreamFault::kConnectHangs) return out;
  out.script = {{milliseconds(random.below(30)), Beat::Connect{}}, {{}, Beat::Sent{}}};
  if (fault == UpstreamFault::kSilent) return out;
  if (fault == UpstreamFault::kErrorStatus) {
    static constexpr std::array<int, 9> kStatuses{400, 401, 403, 404, 429, 500, 502, 503, 529};
    out.status = kStatuses[random.below(kStatuses.size())];
    out.script.push_back({gap, Beat::Head{out.status, {{"content-type", "application/json"}}}});
    out.script.push_back(
        {{},
         Beat::Bytes{fmt::format(
             R"({{"error":{{"message":"no {}","type":"t","param":null,"code":null}}}})", mark)}});
    out.script.push_back({{}, Beat::End{}});
    return out;
  }
  out.script.push_back({gap, Beat::Head{200, type}});
  if (fault == UpstreamFault::kGarbage) {
    static constexpr std::array<std::string_view, 4> kGarbage{
        "<html><body>Bad gateway</body></html>", "", "data: {not json}\n\n", "{}"};
    add_pieces(out.script, random, kGarbage[random.below(kGarbage.size())], gap);
    out.script.push_back({{}, Beat::End{}});
    return out;
  }
  // Everything else goes wrong in the middle: somewhere before the finish, so that the answer is
  // never complete.
  const std::size_t finish = stream ? sent.find("\"finish_reason\":\"stop\"") : sent.size() - 1;
  const std::size_t at = random.below(finish);
  switch (fault) {
    case UpstreamFault::kCut:
      add_pieces(out.script, random, std::string_view(sent).substr(0, at), gap);
      out.script.push_back({{}, Beat::End{Status(Code::kNetwork, "connection reset by peer")}});
      break;
    case UpstreamFault::kClosedEarly:
      add_pieces(out.script, random, std::string_view(sent).substr(0, at), gap);
      out.script.push_back({{}, Beat::End{}});
      break;
    case UpstreamFault::kStalls:
      add_pieces(out.script, random, std::string_view(sent).substr(0, at), gap);
      break;
    case UpstreamFault::kErrorInBand: {
      std::string bad;
      if (stream) {
        const std::size_t keep = random.below(frames.usage);
        for (std::size_t i = 0; i < keep; ++i) bad.append(frames.frames[i]);
        bad.append(
            "data: "
            "{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"code\":503}}\n\n");
        if (random.below(2) == 0) bad.append("data: [DONE]\n\n");
      } else {
        bad = R"({"error":{"message":"overloaded","type":"server_error","code":503}})";
      }
      add_pieces(out.script, random, bad, gap);
      out.script.push_back({{}, Beat::End{}});
      break;
    }
    default:
      add_pieces(out.script, random, sent, gap);
      if (fault != UpstreamFault::kEndless || !stream) out.script.push_back({{}, Beat::End{}});
  }
  return out;
}

}  // namespace llmorch::testing
