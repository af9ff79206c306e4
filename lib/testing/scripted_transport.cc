#include "testing/scripted_transport.h"

#include <utility>

namespace llmorch::testing {

Beats answer_whole(int status, std::string body, std::chrono::milliseconds delay) {
  const std::size_t half = body.size() / 2;  // whole answers arrive in pieces too
  std::string rest = body.substr(half);
  body.resize(half);
  return {{delay, Beat::Connect{}},
          {{}, Beat::Sent{}},
          {{}, Beat::Head{status, {{"content-type", "application/json"}}}},
          {{}, Beat::Bytes{std::move(body)}},
          {{}, Beat::Bytes{std::move(rest)}},
          {{}, Beat::End{}}};
}

Beats answer_stream(const std::vector<std::string>& pieces, std::chrono::milliseconds gap) {
  Beats script{{{}, Beat::Connect{}}, {{}, Beat::Sent{}}, {gap, Beat::Head{}}};
  for (const std::string& piece : pieces) script.push_back({gap, Beat::Bytes{piece}});
  script.push_back({{}, Beat::End{}});
  return script;
}

Beats refuse_connection(std::chrono::milliseconds delay) {
  return {{delay, Beat::End{Status(Code::kNetwork, "connection refused")}}};
}

Beats hang() { return {}; }

Beats then(Beats script, std::vector<Beat> more) {
  if (!script.empty() && std::holds_alternative<Beat::End>(script.back().what)) script.pop_back();
  for (Beat& beat : more) script.push_back(std::move(beat));
  return script;
}

struct ScriptedTransport::Play {
  Play(ScriptedTransport& transport, Id id, Beats script, TransferListener* listener)
      : script(std::move(script)),
        listener(listener),
        timer([&transport, id] { transport.step(id); }) {}
  const Beats script;
  TransferListener* listener;
  Timer timer;
  std::size_t next = 0;
  bool paused = false;
  TransferEnd end;
};

ScriptedTransport::ScriptedTransport(Loop& loop, Author author)
    : loop_(loop), author_(std::move(author)) {}

ScriptedTransport::~ScriptedTransport() {
  for (auto& [id, play] : plays_) loop_.disarm(play->timer);
}

Transport::Id ScriptedTransport::start(TransferSpec spec, TransferListener* listener) {
  const Id id = ++next_;
  auto play = std::make_unique<Play>(*this, id, author_(spec), listener);
  play->end.bytes_sent = spec.body.size();
  if (!play->script.empty()) loop_.arm(play->timer, loop_.now() + play->script.front().after);
  plays_.emplace(id, std::move(play));
  return id;
}

void ScriptedTransport::pause(Id id) {
  const auto found = plays_.find(id);
  if (found == plays_.end()) return;
  found->second->paused = true;
  loop_.disarm(found->second->timer);
}

void ScriptedTransport::resume(Id id) {
  const auto found = plays_.find(id);
  if (found == plays_.end() || !std::exchange(found->second->paused, false)) return;
  Play& play = *found->second;
  if (play.next < play.script.size())
    loop_.arm(play.timer, loop_.now() + play.script[play.next].after);
}

void ScriptedTransport::cancel(Id id) {
  const auto found = plays_.find(id);
  if (found == plays_.end()) return;
  ++cancelled_;
  found->second->listener = nullptr;
  loop_.disarm(found->second->timer);
  // The play may be the one whose step() is running: it goes when that has returned.
  loop_.post([owned = std::shared_ptr<Play>(std::move(found->second))] {});
  plays_.erase(found);
}

void ScriptedTransport::step(Id id) {
  Play& play = *plays_.at(id);
  TransferListener* listener = play.listener;
  const Beat& beat = play.script[play.next++];
  if (const auto* end = std::get_if<Beat::End>(&beat.what)) {
    play.end.status = end->status;
    const std::unique_ptr<Play> owned = std::move(plays_.at(id));
    plays_.erase(id);
    listener->on_end(owned->end);
    return;
  }
  if (play.next < play.script.size())
    loop_.arm(play.timer, loop_.now() + play.script[play.next].after);
  if (std::holds_alternative<Beat::Connect>(beat.what)) return listener->on_connected();
  if (std::holds_alternative<Beat::Sent>(beat.what)) return listener->on_request_sent();
  if (const auto* head = std::get_if<Beat::Head>(&beat.what))
    return listener->on_head(head->status, head->headers);
  const std::string& bytes = std::get<Beat::Bytes>(beat.what).bytes;
  play.end.bytes_received += bytes.size();
  listener->on_body(bytes);
}

Result<std::unique_ptr<Transport>> ScriptedFactory::make(Loop& loop) {
  auto transport = std::make_unique<ScriptedTransport>(loop, author_);
  last_ = transport.get();
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace llmorch::testing
