#include "gateway/model_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/text.h"

namespace llmorch {
namespace {

using std::chrono::seconds;

constexpr seconds kTimeout{10};
constexpr seconds kRefresh{600};
constexpr int kMaxPages = 50;
constexpr std::size_t kMaxBody = 8u << 20;
constexpr std::size_t kMaxModels = 10'000;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxError = 300;

// Whether two providers are asked for their list in the same way.
bool asked_alike(const Provider& a, const Provider& b) {
  const auto same_key = [](const Credential& x, const Credential& y) {
    return x.weight == y.weight && x.secret.equals(y.secret.reveal());
  };
  return a.name == b.name && a.type == b.type && a.base_url == b.base_url &&
         a.headers == b.headers && a.proxy == b.proxy && a.no_proxy == b.no_proxy &&
         a.http2 == b.http2 &&
         std::equal(a.credentials.begin(), a.credentials.end(), b.credentials.begin(),
                    b.credentials.end(), same_key);
}

// Whether the endpoint has answered in a way that the same question again will not change.
bool is_final(Verdict verdict) {
  switch (verdict) {
    case Verdict::kInvalidRequest:
    case Verdict::kAuth:
    case Verdict::kPermission:
    case Verdict::kBilling:
    case Verdict::kModelNotFound:
      return true;
    default:
      return false;
  }
}

bool is_usable(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && is_header_value(name) && is_utf8(name);
}

}  // namespace

// One provider's questions and its timers.
class ModelLists::Fetch final : public TransferListener {
 public:
  Fetch(ModelLists& lists, std::shared_ptr<const Provider> provider)
      : provider(std::move(provider)),
        lists_(lists),
        next_([this] { begin(); }),
        deadline_([this] { on_deadline(); }) {}
  ~Fetch() override {
    lists_.loop_.disarm(next_);
    stop();
  }

  void begin() {
    names_.clear();
    seen_.clear();
    pages_ = 0;
    ask("");
  }

  void on_connected() override {}
  void on_request_sent() override {}
  void on_head(int status, const Headers& headers) override {
    status_ = status;
    headers_ = headers;
  }
  void on_body(std::string_view bytes) override {
    if (body_.size() + bytes.size() <= kMaxBody) {
      body_.append(bytes);
      return;
    }
    stop();
    failed(fmt::format("the list is larger than {} bytes", kMaxBody), false);
  }
  void on_end(const TransferEnd& end) override;

  std::shared_ptr<const Provider> provider;

 private:
  void ask(std::string_view page);
  void stop();
  void on_deadline() {
    stop();
    failed(fmt::format("no complete answer within {} s", kTimeout.count()), true);
  }
  void done();
  void failed(std::string why, bool pending);
  const Credential& credential() const;

  ModelLists& lists_;
  Timer next_;
  Timer deadline_;
  Transport::Id id_ = 0;
  int status_ = 0;
  Headers headers_;
  std::string body_;
  int pages_ = 0;
  std::vector<std::string> names_;
  std::unordered_set<std::string> seen_;
  unsigned failures_ = 0;  // in a row
  std::size_t key_ = 0;    // counts up with each failure
  std::string logged_;     // the failure the operator knows of
};

// The one to ask with: of those in use, it stays with what worked.
const Credential& ModelLists::Fetch::credential() const {
  std::vector<const Credential*> in_use;
  for (const Credential& one : provider->credentials) {
    if (one.weight > 0) in_use.push_back(&one);
  }
  return in_use.empty() ? provider->credentials.front() : *in_use[key_ % in_use.size()];
}

void ModelLists::Fetch::ask(std::string_view page) {
  status_ = 0;
  headers_.clear();
  body_.clear();
  ++pages_;
  Result<TransferSpec> spec = provider->type->list_request(*provider, credential(), page);
  if (!spec) return failed(spec.error().message(), false);
  id_ = lists_.transport_.start(std::move(*spec), this);
  lists_.loop_.arm(deadline_, lists_.loop_.now() + kTimeout);
}

void ModelLists::Fetch::stop() {
  lists_.loop_.disarm(deadline_);
  if (const Transport::Id id = std::exchange(id_, 0)) lists_.transport_.cancel(id);
}

void ModelLists::Fetch::on_end(const TransferEnd& end) {
  id_ = 0;
  lists_.loop_.disarm(deadline_);
  if (status_ != 0 && (status_ < 200 || status_ > 299)) {
    const Outcome outcome = provider->type->read_error(status_, headers_, body_);
    return failed(fmt::format("HTTP {}, {}", status_, verdict_name(outcome.verdict)),
                  !is_final(outcome.verdict));
  }
  if (!end.status.ok()) return failed(end.status.message(), true);
  Result<ProviderType::ModelPage> page = provider->type->read_list(body_);
  if (!page) return failed(page.error().message(), false);
  for (std::string& name : page->models) {
    if (names_.size() == kMaxModels) return done();
    if (is_usable(name) && seen_.insert(name).second) names_.push_back(std::move(name));
  }
  if (page->next_page.empty() || pages_ == kMaxPages) return done();
  ask(page->next_page);
}

void ModelLists::Fetch::done() {
  failures_ = 0;
  if (!logged_.empty()) {
    lists_.log_(fmt::format("provider {}: its models can be listed again: {} of them",
                            json_string(provider->name), names_.size()));
    logged_.clear();
  }
  lists_.loop_.arm(next_, lists_.loop_.now() + kRefresh);
  lists_.tell_(
      {provider, std::make_shared<const std::vector<std::string>>(std::move(names_)), false, ""});
}

void ModelLists::Fetch::failed(std::string why, bool pending) {
  why = redact(shorten(why, kMaxError));
  const auto wait = std::min(seconds(1) * (1 << std::min(failures_, 10U)), kRefresh);
  ++failures_;
  ++key_;
  if (why != logged_) {
    lists_.log_(fmt::format("provider {}: its models cannot be listed: {}; next try in {} s",
                            json_string(provider->name), why, wait.count()));
    logged_ = why;
  }
  lists_.loop_.arm(next_, lists_.loop_.now() + wait);
  lists_.tell_({provider, nullptr, pending, std::move(why)});
}

ModelLists::ModelLists(Loop& loop, Transport& transport, Tell tell, Log log)
    : loop_(loop), transport_(transport), tell_(std::move(tell)), log_(std::move(log)) {}

ModelLists::~ModelLists() = default;

void ModelLists::follow(const std::vector<std::shared_ptr<const Provider>>& providers) {
  std::vector<std::unique_ptr<Fetch>> before = std::exchange(fetches_, {});
  for (const std::shared_ptr<const Provider>& provider : providers) {
    if (!provider->discover) continue;
    const auto same =
        std::find_if(before.begin(), before.end(), [&](const std::unique_ptr<Fetch>& fetch) {
          return fetch != nullptr && asked_alike(*fetch->provider, *provider);
        });
    if (same != before.end()) {
      (*same)->provider = provider;
      fetches_.push_back(std::move(*same));
    } else {
      fetches_.push_back(std::make_unique<Fetch>(*this, provider));
      fetches_.back()->begin();
    }
  }
}

}  // namespace llmorch
