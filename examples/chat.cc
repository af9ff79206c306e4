// The library in one file: a whole answer, then the same question as a stream.
//
//   OPENAI_API_KEY=… ./chat "Why is the sky blue?"
//   ./chat "Why is the sky blue?" http://127.0.0.1:8080/v1     any OpenAI-compatible server
#include <llmorch/gateway.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

// For the example only: enough for what is typed on a command line.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  }
  return out + "\"";
}

llmorch::CallSpec question(const std::string& text, bool stream) {
  llmorch::CallSpec spec;
  spec.body =
      llmorch::Body(R"({"model":"smart","stream":)" + std::string(stream ? "true" : "false") +
                    R"(,"messages":[{"role":"user","content":)" + quoted(text) + "}]}");
  return spec;
}

int report(const llmorch::Status& status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: chat TEXT [BASE_URL]\n");
    return 2;
  }
  const std::string base_url = argc > 2 ? argv[2] : "https://api.openai.com/v1";
  const char* key = std::getenv("OPENAI_API_KEY");  // the library itself never reads it
  auto opened = llmorch::Gateway::open(
      R"({"version":1,"providers":[{"name":"vendor","type":"openai","base_url":)" +
      quoted(base_url) + R"(,"api_key":)" + quoted(key != nullptr ? key : "none") +
      R"(}],"models":[{"name":"smart","targets":[{"provider":"vendor","model":"gpt-4o-mini"}]}]})");
  if (!opened) return report(opened.error());
  llmorch::Gateway& gateway = **opened;

  auto answer = gateway.chat(question(argv[1], false));
  if (!answer) return report(answer.error());
  std::printf("%d\n%s\n\n", answer->head.http_status, answer->body.c_str());

  auto stream = gateway.stream(question(argv[1], true));
  if (!stream) return report(stream.error());
  while ((*stream)->next() == llmorch::Stream::Next::kData) {
    const std::string_view bytes = (*stream)->data();
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    std::fflush(stdout);
  }
  if (!answer->outcome.ok()) return report(answer->outcome);
  return (*stream)->status().ok() ? 0 : report((*stream)->status());
}
