#include <map>
#include <mutex>
#include <utility>

#include "storage/memory_stores.h"
#include "storage/store_rules.h"

namespace llmorch {
namespace {

using Key = std::pair<std::string, std::string>;  // kind, and id or name

class MemoryCatalog final : public Catalog {
 public:
  Result<CatalogContents> list(std::string_view kind) override {
    const std::lock_guard lock(mutex_);
    CatalogContents contents{revision_, {}};
    for (const auto& [name, id] : state_.ids) {  // in the order that is promised
      if (kind.empty() || name.first == kind)
        contents.objects.push_back(state_.objects.at({name.first, id}));
    }
    return contents;
  }

  Result<CatalogObject> get(std::string_view kind, std::string_view id) override {
    const std::lock_guard lock(mutex_);
    const auto it = state_.objects.find({std::string(kind), std::string(id)});
    if (it == state_.objects.end()) return no_object(kind, id);
    return it->second;
  }

  Result<CatalogObject> find(std::string_view kind, std::string_view name) override {
    const std::lock_guard lock(mutex_);
    const auto it = state_.ids.find({std::string(kind), std::string(name)});
    if (it == state_.ids.end()) return no_object(kind, name);
    return state_.objects.at({std::string(kind), it->second});
  }

  Result<std::vector<CatalogObject>> apply(const std::vector<CatalogEdit>& edits,
                                           std::optional<std::uint64_t> if_revision) override {
    const Status checked = check_edits(edits);
    if (!checked.ok()) return checked;
    const std::lock_guard lock(mutex_);
    if (if_revision && *if_revision != revision_) return revision_mismatch(*if_revision, revision_);
    std::vector<CatalogObject> done;
    if (edits.empty()) return done;
    State state = state_;  // so that a failure half-way changes nothing
    for (std::size_t i = 0; i < edits.size(); ++i) {
      auto object = edit_object(state, edits[i], revision_ + 1);
      if (!object) return in_edit(i, object.error());
      done.push_back(*std::move(object));
    }
    state_ = std::move(state);
    ++revision_;
    return done;
  }

  Result<std::uint64_t> revision() override {
    const std::lock_guard lock(mutex_);
    return revision_;
  }

 private:
  struct State {
    std::map<Key, CatalogObject> objects;  // by kind and id
    std::map<Key, std::string> ids;        // by kind and name
  };

  static Result<CatalogObject> edit_object(State& state, const CatalogEdit& edit,
                                           std::uint64_t revision) {
    const Key key(edit.object.kind, edit.object.id);
    const auto found = state.objects.find(key);
    const bool exists = found != state.objects.end();
    const Status version = check_version(edit, exists ? found->second.version : 0);
    if (!version.ok()) return version;
    if (edit.op == CatalogEdit::Op::kRemove) {
      CatalogObject removed = std::move(found->second);
      state.ids.erase({removed.kind, removed.name});
      state.objects.erase(found);
      return removed;
    }
    CatalogObject object = edit.object;
    const auto same_name = state.ids.find({object.kind, object.name});
    if (same_name != state.ids.end() && same_name->second != object.id)
      return name_taken(object.kind, object.name);
    if (!exists && state.objects.size() >= kMaxObjects) return too_many_objects();
    object.version = revision;
    object.created = from_us(to_us(exists ? found->second.created : object.created));
    object.updated = from_us(to_us(object.updated));
    if (exists) state.ids.erase({object.kind, found->second.name});
    state.ids[{object.kind, object.name}] = object.id;
    state.objects[key] = object;
    return object;
  }

  std::mutex mutex_;
  State state_;
  std::uint64_t revision_ = 0;
};

}  // namespace

std::shared_ptr<Catalog> memory_catalog() { return std::make_shared<MemoryCatalog>(); }

}  // namespace llmorch
