// The real binary between real processes: mocks, a generated configuration, and the lines it logs.
#ifndef LLMORCH_TESTS_E2E_GATEWAY_PROCESS_H_
#define LLMORCH_TESTS_E2E_GATEWAY_PROCESS_H_

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "support/http_client.h"
#include "support/process.h"

namespace llmorch::test {

// A mock vendor in a process of its own.
struct Mock {
  explicit Mock(const std::string& script = "")
      : process(arguments(script)), port(process.wait_for_port()) {}
  static std::vector<std::string> arguments(const std::string& script) {
    std::vector<std::string> argv{LLMORCH_TESTING_BINARY, "mock",          "--listen",
                                  "127.0.0.1:0",          "--max-seconds", "120"};
    if (!script.empty()) argv.insert(argv.end(), {"--script", script});
    return argv;
  }
  void script(const std::string& json) const { http_post(port, "/mock/script", json); }
  std::string stats() const { return http_get(port, "/mock/stats").body; }

  Process process;
  const int port;
};

class Gateway {
 public:
  // One provider per mock, in tiers 1, 2, …, behind the model "m"; `model_lines` are added to it.
  explicit Gateway(const std::vector<int>& mock_ports, const std::string& model_lines = "",
                   const std::string& top_lines = "") {
    std::string yaml = "version: 1\nlisten: 127.0.0.1:0\n" + top_lines + "providers:\n";
    std::string targets;
    for (std::size_t i = 0; i < mock_ports.size(); ++i) {
      const std::string name = "p" + std::to_string(i);
      yaml += "  - name: " + name + "\n    type: openai\n    base_url: http://127.0.0.1:" +
              std::to_string(mock_ports[i]) + "\n    api_key: sk-canary-" + name + "\n";
      targets += "      - { provider: " + name + ", model: up-" + name +
                 ", tier: " + std::to_string(i + 1) + " }\n";
    }
    yaml += "models:\n  - name: m\n" + model_lines + "    targets:\n" + targets;
    path_ =
        "/tmp/llmorch-e2e-" + std::to_string(::getpid()) + "-" + std::to_string(++count_) + ".yaml";
    std::ofstream(path_) << yaml;
    process_ = std::make_unique<Process>(
        std::vector<std::string>{LLMORCH_BINARY, "serve", "-c", path_}, Process::Env{}, true);
    const auto line = process_->wait_for_line("ready on http://");
    if (!line) return;
    const std::size_t host = line->find("ready on http://127.0.0.1:");
    port = std::atoi(line->c_str() + host + 26);
  }
  ~Gateway() { std::remove(path_.c_str()); }

  Process& process() { return *process_; }
  const std::string& path() const { return path_; }
  // Ends it properly and counts the lines of calls it logged.
  int stop_and_count_records() {
    process_->signal(SIGTERM);
    exit_code = process_->wait_exit().value_or(-99);
    int records = 0;
    const std::string& output = process_->output();
    for (std::size_t at = 0; (at = output.find("\"request_id\":", at)) != std::string::npos; ++at)
      ++records;
    return records;
  }

  int port = -1;
  int exit_code = -99;

 private:
  static inline int count_ = 0;
  std::string path_;
  std::unique_ptr<Process> process_;
};

inline std::string ask(std::string_view text, bool stream = false, std::string_view more = "") {
  return "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"" + std::string(text) +
         "\"}]" + (stream ? ",\"stream\":true" : "") + std::string(more) + "}";
}

}  // namespace llmorch::test

#endif  // LLMORCH_TESTS_E2E_GATEWAY_PROCESS_H_
