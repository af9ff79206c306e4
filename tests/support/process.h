// Process: a program run by a test, ended with its scope.
//
//   Process gateway({path, "--config", file});
//   const int port = gateway.wait_for_port("listening on");   // -1 when it never said so
//
// Standard output is read by the test, standard error goes where the test's own goes unless
// `join_stderr` sends it into the same pipe. The child is killed by its own id when the Process is
// destroyed, and by the kernel when the test dies. One thread; all waits have a deadline.
#ifndef LLMORCH_TESTS_SUPPORT_PROCESS_H_
#define LLMORCH_TESTS_SUPPORT_PROCESS_H_

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmorch::test {

class Process {
 public:
  using Clock = std::chrono::steady_clock;
  using Env = std::vector<std::pair<std::string, std::string>>;

  // `env` is added to the test's own environment.
  explicit Process(const std::vector<std::string>& argv, const Env& env = {},
                   bool join_stderr = false) {
    int ends[2] = {-1, -1};
    if (argv.empty() || ::pipe2(ends, O_CLOEXEC) != 0) return;
    // Everything that allocates happens before fork(): the child may only make system calls.
    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    std::vector<std::string> settings;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view setting = *entry;
      const std::string_view name = setting.substr(0, setting.find('='));
      const bool replaced = std::any_of(env.begin(), env.end(),
                                        [name](const auto& row) { return row.first == name; });
      if (!replaced) settings.emplace_back(setting);
    }
    for (const auto& [name, value] : env) settings.push_back(name + "=" + value);
    std::vector<char*> environment;
    for (std::string& setting : settings) environment.push_back(setting.data());
    environment.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(127);
      (void)::dup2(ends[1], STDOUT_FILENO);
      if (join_stderr) (void)::dup2(ends[1], STDERR_FILENO);
      (void)::execve(words[0], words.data(), environment.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ends[0];
  }

  ~Process() {
    if (pid_ > 0) {
      (void)::kill(pid_, SIGKILL);
      (void)::waitpid(pid_, nullptr, 0);
    }
    if (out_ >= 0) ::close(out_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }  // -1 when it was not started, or has been waited for
  bool running() { return pid_ > 0 && !reap(WNOHANG); }
  const std::string& output() const { return output_; }  // everything read so far

  // The first whole line of output that contains `part`; nullopt when the output ends, or time is
  // up, before there is one.
  std::optional<std::string> wait_for_line(std::string_view part,
                                           Clock::duration limit = std::chrono::seconds(20)) {
    const auto end = Clock::now() + limit;
    for (;;) {
      std::size_t from = 0;
      for (std::size_t stop = output_.find('\n'); stop != std::string::npos;
           stop = output_.find('\n', from)) {
        std::string line = output_.substr(from, stop - from);
        if (line.find(part) != std::string::npos) return line;
        from = stop + 1;
      }
      if (!read_some(end)) return std::nullopt;
    }
  }

  // The number behind the last colon of that line.
  int wait_for_port(std::string_view part = "listening on",
                    Clock::duration limit = std::chrono::seconds(20)) {
    const auto line = wait_for_line(part, limit);
    if (!line || line->rfind(':') == std::string::npos) return -1;
    return std::atoi(line->c_str() + line->rfind(':') + 1);
  }

  void signal(int number) {
    if (pid_ > 0) (void)::kill(pid_, number);
  }

  // Reads the output to its end and waits for the exit: its code, or minus the signal that killed
  // it; nullopt when time is up.
  std::optional<int> wait_exit(Clock::duration limit = std::chrono::seconds(20)) {
    const auto end = Clock::now() + limit;
    while (read_some(end)) {
    }
    while (pid_ > 0 && !reap(WNOHANG)) {
      if (Clock::now() >= end) return std::nullopt;
      (void)::poll(nullptr, 0, 2);  // there is no descriptor to wait on for a child's end
    }
    return exit_;
  }

 private:
  bool reap(int flags) {
    int status = 0;
    if (::waitpid(pid_, &status, flags) != pid_) return false;
    exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    pid_ = -1;
    return true;
  }

  // False at the end of the output, or of the time.
  bool read_some(Clock::time_point end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (out_ < 0 || left.count() <= 0) return false;
    pollfd entry{out_, POLLIN, 0};
    if (::poll(&entry, 1, static_cast<int>(left.count())) <= 0) return false;
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(out_, buffer.data(), buffer.size());
    if (got <= 0) return false;
    output_.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
  }

  pid_t pid_ = -1;
  int out_ = -1;
  std::string output_;
  std::optional<int> exit_;
};

}  // namespace llmorch::test

#endif  // LLMORCH_TESTS_SUPPORT_PROCESS_H_
