// MockUpstream: three vendors on one port to test against, strict where they are and ill-behaved on
// request. The path says which vendor is meant:
//
//   POST /v1/chat/completions   GET /v1/models[/{id}]                  OpenAI, Authorization:
//   Bearer POST /v1/messages[/count_tokens]                                   Anthropic, x-api-key
//   GET  /v1/models[/{id}] with an anthropic-version header            Anthropic
//   POST /v1beta/models/{model}:generateContent                        Gemini, x-goog-api-key
//   POST /v1beta/models/{model}:streamGenerateContent[?alt=sse]        Gemini
//   POST /v1beta/models/{model}:countTokens                            Gemini
//   GET  /v1beta/models[/{model}]                                      Gemini
//   the same under /v1 (the list with an x-goog-api-key header) and /v1alpha
//
//   GET  /mock/stats            what has happened so far
//   GET  /mock/requests?n=5     the last requests: method, target, headers, body
//   POST /mock/script           a Script, or an array of them, for the requests to come
//   POST /mock/reset            forgets counts, requests and scripts
//
// The header "x-mock-script: {...}" scripts its own request only. A request the vendor would refuse
// is refused whatever the script says. A path the mock does not know is 404 unless a script brings
// an answer along, so that it can stand in for other vendors too.
//
// Ownership: owns its sockets; the loop must outlive it. Threads: the loop's only.
#ifndef LLMORCH_TESTING_MOCK_UPSTREAM_H_
#define LLMORCH_TESTING_MOCK_UPSTREAM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "testing/mock_connection.h"
#include "testing/mock_dialect.h"
#include "testing/mock_recorder.h"

namespace llmorch::testing {

struct MockOptions {
  std::string listen = "127.0.0.1:0";
  std::vector<std::string> models;  // empty: any name will do
  std::string key;                  // empty: any key will do
  std::string script;               // JSON; "" none
};

struct MockStats {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;           // without those to /mock/
  std::uint64_t refused = 0;            // of these, answered 4xx by the mock's own judgement
  std::uint64_t scripted = 0;           // of these, decided by a script
  std::uint64_t streams = 0;            // of these, answered with a stream
  std::uint64_t completed = 0;          // answers that went out as intended, faults included
  std::uint64_t aborted_by_client = 0;  // the client left before that
  std::uint64_t live = 0;               // answers under way
  // Of the requests, those for an answer, by vendor.
  std::uint64_t openai = 0;
  std::uint64_t anthropic = 0;
  std::uint64_t gemini = 0;
};

class MockUpstream final : private MockHost {
 public:
  static Result<std::unique_ptr<MockUpstream>> start(Loop& loop, const MockOptions& options);
  ~MockUpstream() override;

  int port() const noexcept { return listener_->port(); }
  std::string url() const { return "http://" + listener_->address(); }  // without a path
  Status set_script(std::string_view json) { return scripts_.set(json); }
  const MockStats& stats() const noexcept { return stats_; }

  using Request = MockRecorder::Request;
  std::vector<Request> last_requests(std::size_t count) const { return recorder_.last(count); }

 private:
  MockUpstream(Loop& loop, const MockOptions& options);

  MockReply reply_to(const HttpParser& head, const std::string& body) override;
  void on_answer_started() override { ++stats_.live; }
  void on_answer_ended(bool client_left) override;
  void on_gone(MockConnection* connection) override;

  MockReply control(const HttpParser& head, std::string_view path, const std::string& body);
  MockReply serve(const MockDialect& dialect, MockEndpoint endpoint, const MockCall& call);
  MockReply ask(const MockDialect& dialect, MockEndpoint endpoint, const MockCall& call);
  MockReply generate(const MockDialect& dialect, MockAsk ask, Script script);
  MockReply not_found(const MockCall& call);
  MockReply refuse(const MockDialect& dialect, MockPage page);
  MockReply scripted(const MockDialect& dialect, const MockCall& call, Script script);
  bool find_script(const MockDialect* dialect, const HttpParser& head, Script& script,
                   std::string& problem);
  std::string stats_json() const;

  Loop& loop_;
  const MockOptions options_;
  ScriptQueue scripts_;
  MockStats stats_;
  MockRecorder recorder_;
  std::unordered_map<MockConnection*, std::unique_ptr<MockConnection>> connections_;
  std::vector<std::unique_ptr<MockConnection>> dead_;
  Timer reaper_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_UPSTREAM_H_
