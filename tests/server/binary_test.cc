// The binary itself: exit codes, the ready line, reload, drain. No vendor is asked.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "server/harness.h"

namespace llmorch::server {
namespace {

// A run of llmorch with its output on one pipe. Killed when it goes out of scope.
class Run {
 public:
  explicit Run(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    arguments.insert(arguments.begin(), LLMORCH_BINARY);
    std::vector<char*> argv, envp;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    for (std::string& variable : environment) envp.push_back(variable.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    REQUIRE(::posix_spawn(&pid_, LLMORCH_BINARY, &actions, nullptr, argv.data(), envp.data()) == 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    out_ = ends[0];
  }
  ~Run() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      exit_code();
    }
    ::close(out_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Reads on until `text` has been written; false when the output ends without it.
  bool says(const std::string& text) {
    char block[4096];
    while (output.find(text) == std::string::npos) {
      const ssize_t count = ::read(out_, block, sizeof block);
      if (count <= 0) return false;
      output.append(block, static_cast<std::size_t>(count));
    }
    return true;
  }
  void signal(int number) const { ::kill(pid_, number); }
  int exit_code() {
    while (says("\1never")) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  int port() {
    REQUIRE_MESSAGE(says(" ready on http://127.0.0.1:"), output);
    REQUIRE(says("loops: "));
    return port_behind("ready on http://127.0.0.1:");
  }
  int port_behind(const std::string& text) const {
    return std::stoi(output.substr(output.find(text) + text.size()));
  }

  std::string output;

 private:
  pid_t pid_ = 0;
  int out_ = -1;
};

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "llmorch-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name, std::ios::trunc) << text;
    return path + "/" + name;
  }
  std::string path;
};

// Nothing listens on port 1: calls fail at once.
std::string config(const std::string& model, const std::string& more = "") {
  return "version: 1\n" + more +
         "providers:\n  - { name: p, type: openai, base_url: \"http://127.0.0.1:1\", api_key: "
         "\"sk-secret\" }\n"
         "models:\n  - { name: \"" +
         model + "\", targets: [ { provider: p, model: x } ] }\n";
}

TEST_CASE("exit codes: 0 ok, 1 failure, 2 usage, 78 bad configuration") {
  const Folder folder;
  const std::string good = folder.file("good.yaml", config("m"));
  const std::string bad = folder.file("bad.yaml", config("m", "nonsense: 1\n"));
  struct Row {
    std::vector<std::string> arguments;
    int code;
    const char* says;
  };
  for (const Row& row : std::vector<Row>{
           {{"version"}, 0, "llmorch 0."},
           {{"version", "--json"}, 0, R"({"name":"llmorch","version":"0.)"},
           {{"--version"}, 0, "llmorch 0."},
           {{"--help"}, 0, "Examples:"},
           {{"serve", "--help"}, 0, "GEMINI_API_KEY"},
           {{"serve", "--help"}, 0, "Examples:"},
           {{"check-config", "--help"}, 0, "Examples:"},
           {{"config", "--help"}, 0, "Examples:"},
           {{"config", "show", "--help"}, 0, "Examples:"},
           {{"config", "schema", "--help"}, 0, "Examples:"},
           {{"key", "--help"}, 0, "Examples:"},
           {{"key", "create", "--help"}, 0, "Examples:"},
           {{"version", "--help"}, 0, "Examples:"},
           {{}, 2, "subcommand"},
           {{"serve", "--no-such-flag"}, 2, "no-such-flag"},
           {{"serve", "--threads", "0"}, 2, "threads"},
           {{"check-config"}, 2, "FILE"},
           {{"config"}, 2, "subcommand"},
           {{"config", "show", "-c", good}, 0, "listen: 127.0.0.1:8000"},
           {{"config", "show", "--origin", "-c", good}, 0, "good.yaml:3"},
           {{"config", "show", "-c", bad}, 78, "bad.yaml:2: error: "},
           {{"config", "schema"}, 0, "\"$schema\""},
           {{"key"}, 2, "subcommand"},
           {{"key", "create"}, 0, "    secret: sk-llmorch-"},
           {{"key", "create", "--name", "a", "-q"}, 0, "sk-llmorch-"},
           {{"key", "create", "--name", "a b"}, 2, "must be 1 to 64"},
           {{"check-config", good}, 0, ": ok"},
           {{"check-config", "-c", good}, 0, ": ok"},
           {{"check-config", bad}, 78, "bad.yaml:2: error: "},
           {{"check-config", folder.path + "/none.yaml"}, 78, "cannot read"},
           {{"serve", "-c", bad}, 78, "bad.yaml:2: error: "},
           {{"serve"}, 78, "export OPENAI_API_KEY="},
           {{"serve", "-c", good, "--listen", "0.0.0.0:0"}, 78, "llmorch key create >> "},
           {{"serve", "-c", good, "--listen", ":0"}, 78, "no client key"},
           {{"serve", "-c", good, "--listen", "127.0.0.1:0", "--admin-listen", "nowhere"},
            1,
            "--admin-listen"},
           {{"serve", "-c", good, "--listen", "nowhere"}, 1, "cannot listen on nowhere"},
       }) {
    Run run(row.arguments);
    CHECK(run.exit_code() == row.code);
    CHECK_MESSAGE(run.output.find(row.says) != std::string::npos, run.output);
    CHECK(run.output.find("sk-secret") == std::string::npos);
  }
}

TEST_CASE("it serves, reloads, and drains") {
  const Folder folder;
  const std::string path =
      folder.file("llmorch.yaml", config("one", "listen: 127.0.0.1:0\nthreads: 2\n"));
  Run run({"serve", "-c", path});
  RawClient client(run.port());
  CHECK(run.output.find("admin: same address; config: " + path + "; data: ") != std::string::npos);
  CHECK(run.output.find("loops: 2)") != std::string::npos);
  CHECK(run.output.find("warning: there is no client key") != std::string::npos);
  for (const char* target : {"/livez", "/readyz", "/health", "/healthz", "/v1/models", "/models",
                             "/v1/models/one", "/models/one"}) {
    CAPTURE(target);
    client.send(get(target));
    CHECK(client.answer().status == 200);
  }
  client.send(get("/v1/models"));
  CHECK(client.answer().body.find("\"one\"") != std::string::npos);
  for (const char* target : {"/v1/chat/completions", "/chat/completions"}) {
    client.send(post(target, R"({"model":"one","messages":[{"role":"user","content":"x"}]})"));
    const RawAnswer answer = client.answer();
    CHECK(answer.status == 502);
    CHECK(answer.field("x-request-id") == answer.field("x-llmorch-request-id"));
    CHECK(run.says("\"request_id\":\"" + answer.field("x-request-id") + "\""));  // its record
  }

  folder.file("llmorch.yaml", config("two"));
  run.signal(SIGHUP);
  REQUIRE(run.says("reloaded"));
  client.send(get("/v1/models"));
  CHECK(client.answer().body.find("\"two\"") != std::string::npos);
  folder.file("llmorch.yaml", "nonsense: [");
  run.signal(SIGHUP);
  REQUIRE(run.says("the old configuration stays in use"));
  CHECK(run.output.find("llmorch.yaml:1: error: this is not YAML") != std::string::npos);
  client.send(get("/v1/models"));
  CHECK(client.answer().body.find("\"two\"") != std::string::npos);

  const std::string address = "127.0.0.1:" + std::to_string(run.port());
  Run second({"serve", "-c", folder.file("second.yaml", config("m")), "--listen", address});
  CHECK(second.exit_code() == 1);
  CHECK(second.output.find("cannot listen on " + address + ": the port is taken") !=
        std::string::npos);

  run.signal(SIGTERM);
  CHECK(run.exit_code() == 0);
  CHECK(run.output.find("draining, 0 under way") != std::string::npos);
  CHECK(client.rest().empty());
}

TEST_CASE("a listener of its own for the admin: each route answers where it belongs") {
  const Folder folder;
  const std::string path = folder.file(
      "llmorch.yaml", config("m", "listen: 127.0.0.1:0\nadmin: { listen: \"127.0.0.1:0\" }\n"));
  Run run({"serve", "-c", path, "--threads", "2"});
  RawClient data(run.port());
  RawClient admin(run.port_behind("(admin: http://127.0.0.1:"));
  struct Row {
    const char* path;
    int on_data, on_admin;
  };
  for (const Row& row :
       {Row{"/livez", 200, 200}, Row{"/readyz", 200, 200}, Row{"/health", 404, 200},
        Row{"/healthz", 404, 200}, Row{"/v1/models", 200, 404}, Row{"/v1/models/m", 200, 404},
        Row{"/v1/chat/completions", 405, 404}}) {
    CAPTURE(row.path);
    data.send(get(row.path));
    CHECK(data.answer().status == row.on_data);
    admin.send(get(row.path));
    CHECK(admin.answer().status == row.on_admin);
  }
  for (RawClient* client : {&data, &admin}) {
    client->send("GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    CHECK(client->answer().status == 403);
  }
  run.signal(SIGTERM);
  CHECK(run.exit_code() == 0);
}

TEST_CASE("client keys: who has none is told so; a reload changes them; 0.0.0.0 needs one") {
  const Folder folder;
  const auto keys = [](const std::string& secret) {
    return "client_keys: [ { name: laptop, secret: " + secret + " } ]\n";
  };
  const std::string path = folder.file("llmorch.yaml", config("m", keys("sk-llmorch-one")));
  Run run({"serve", "-c", path, "--listen", "0.0.0.0:0", "--threads", "2"});
  REQUIRE(run.says("ready on http://0.0.0.0:"));
  REQUIRE(run.says("loops: "));
  CHECK(run.output.find("warning") == std::string::npos);
  RawClient client(run.port_behind("ready on http://0.0.0.0:"));
  const std::string one = "Authorization: Bearer sk-llmorch-one\r\n";
  const std::string two = "x-api-key: sk-llmorch-two\r\n";
  const auto status = [&](const std::string& target, const std::string& fields) {
    client.send(get(target, fields));
    return client.answer().status;
  };
  CHECK(status("/v1/models", "") == 401);
  CHECK(status("/v1/models", two) == 401);
  CHECK(status("/v1/models", one) == 200);
  CHECK(status("/livez", "") == 200);
  // A key keeps foreign pages away by itself, so a proxy in front may use its own names.
  client.send("GET /v1/models HTTP/1.1\r\nHost: llm.example\r\n" + one + "\r\n");
  CHECK(client.answer().status == 200);
  client.send(post("/v1/chat/completions",
                   R"({"model":"m","messages":[{"role":"user","content":"x"}]})", one));
  CHECK(client.answer().status == 502);
  CHECK(run.says("\"key_id\":\"laptop\""));

  folder.file("llmorch.yaml", config("m", keys("sk-llmorch-two")));
  run.signal(SIGHUP);
  REQUIRE(run.says("llmorch: reloaded"));
  CHECK(status("/v1/models", one) == 401);
  CHECK(status("/v1/models", two) == 200);
  folder.file("llmorch.yaml", config("m"));
  run.signal(SIGHUP);
  REQUIRE(run.says("the old configuration stays in use"));
  CHECK(status("/v1/models", "") == 401);
  CHECK(status("/v1/models", two) == 200);
  CHECK(run.output.find("sk-llmorch") == std::string::npos);
}

TEST_CASE("the key that is printed works where it is appended") {
  const Folder folder;
  Run create({"key", "create", "--name", "laptop"});
  REQUIRE(create.exit_code() == 0);
  std::string text = config("m");
  text.pop_back();  // a file whose last line has no end
  const std::string path = folder.file("llmorch.yaml", text + create.output);
  Run check({"check-config", path});
  CHECK_MESSAGE(check.exit_code() == 0, check.output);
  Run run({"serve", "-c", path, "--listen", "127.0.0.1:0"});
  RawClient client(run.port());
  const std::size_t at = create.output.find("sk-llmorch-");
  const std::string key = create.output.substr(at, create.output.find('\n', at) - at);
  client.send(get("/v1/models", "x-api-key: " + key + "\r\n"));
  CHECK(client.answer().status == 200);
  client.send(get("/v1/models"));
  CHECK(client.answer().status == 401);
}

TEST_CASE("draining waits for a call under way and says 503 meanwhile; a second signal does not") {
  // A vendor that takes the request and says nothing.
  const Result<Listening> vendor = listen_on("127.0.0.1:0", 16);
  REQUIRE(vendor.has_value());
  const Folder folder;
  std::string text = config("slow");
  text.replace(text.find("127.0.0.1:1"), 11, vendor->address);
  Run run({"serve", "-c", folder.file("slow.yaml", text), "--listen", "127.0.0.1:0"});
  RawClient client(run.port()), other(run.port());
  other.send(get("/readyz"));
  CHECK(other.answer().status == 200);
  client.send(post("/v1/chat/completions",
                   R"({"model":"slow","messages":[{"role":"user","content":"x"}]})"));
  pollfd knock{vendor->fd.get(), POLLIN, 0};
  REQUIRE(::poll(&knock, 1, 20'000) == 1);  // the call has reached its vendor
  other.send(get("/health"));
  CHECK(other.answer().body.find("\"calls_live\":1") != std::string::npos);
  run.signal(SIGTERM);
  REQUIRE(run.says("draining, 1 under way"));
  other.send(get("/readyz"));
  const RawAnswer answer = other.answer();
  CHECK(answer.status == 503);
  CHECK(answer.field("connection") == "close");
  run.signal(SIGINT);
  CHECK(run.exit_code() == 1);
}

}  // namespace
}  // namespace llmorch::server
