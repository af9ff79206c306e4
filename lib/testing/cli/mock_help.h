// The text of "llmorch-testing mock --help".
#ifndef LLMORCH_TESTING_CLI_MOCK_HELP_H_
#define LLMORCH_TESTING_CLI_MOCK_HELP_H_

namespace llmorch::testing {

constexpr const char* kMockHelp = R"(usage: llmorch-testing mock [options]

Three vendors on one port, as strict as they are. Prints "listening on http://HOST:PORT".

  --listen 127.0.0.1:0   a numeric address; port 0 takes a free one
  --model a,b            the models there are; without it any name will do
  --key KEY              the key to ask for; without it any key will do
  --script FILE|JSON     how to answer, see below
  --max-seconds 600      ends a forgotten mock

Paths:
  OpenAI     POST /v1/chat/completions   GET /v1/models[/ID]       authorization: Bearer KEY
  Anthropic  POST /v1/messages[/count_tokens]                      x-api-key: KEY, or Bearer
             GET  /v1/models[/ID] with an anthropic-version header
  Gemini     POST /v1beta/models/MODEL:generateContent             x-goog-api-key: KEY
             POST /v1beta/models/MODEL:streamGenerateContent[?alt=sse]
             POST /v1beta/models/MODEL:countTokens   GET /v1beta/models[/MODEL]
             the same under /v1 (the list with an x-goog-api-key header) and /v1alpha
  the mock   GET  /mock/stats      counts, and the last request
             GET  /mock/requests?n=5   the last requests: method, target, headers, body
             POST /mock/script     a script for the requests to come
             POST /mock/reset      forgets counts, requests and scripts

Unscripted, the answer is "echo:NONCE:TEXT": the nonce is made of the request's bytes, the text is
the last turn's. A user who says "call the tool" gets a call of the first tool, "call every tool"
calls of all of them; results are answered with "echo:NONCE:tool_result:TEXT". Thinking that was
asked for is shown, and signed so that the mock can tell whether it comes back unaltered.

A script is a JSON object, or an array of them: the first that wants a request decides it. The
header "x-mock-script: {...}" scripts one request. What the vendor refuses is refused in any case.
  which      times:N  every_nth:N  dialect:"openai"|"anthropic"|"gemini"
  instead    status:N (with the vendor's own error)  retry_after:"7"  headers:{}  body:JSON
             raw:"bytes"  garbage:BYTES
  filled     text:""  thinking:""  redacted:true  refusal:""  finish:"word"  stopped_by:""
             tool_calls:[{name,arguments,id}]
             usage:{input,cached,cache_write,output,reasoning}
  stream     chunks:N  chunk_size:BYTES  stamp:true  no_done:true  error_in_band:CHUNKS
  when       delay_ms  first_byte_delay_ms  chunk_delay_ms
  transport  chunk_bytes  cut_after_bytes  reset_after_bytes  stall_after_bytes  cut_after_chunks
             close_after  accept_then_close  drop_request  http10
)";

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_CLI_MOCK_HELP_H_
