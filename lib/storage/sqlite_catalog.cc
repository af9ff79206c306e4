#include <utility>

#include "storage/sqlite_stores.h"
#include "storage/store_rules.h"

namespace llmorch {
namespace {

#define OBJECT_COLUMNS "kind, id, name, json, origin, version, created_us, updated_us"

constexpr const char* kListAll = "SELECT " OBJECT_COLUMNS " FROM catalog ORDER BY kind, name";
constexpr const char* kListKind =
    "SELECT " OBJECT_COLUMNS " FROM catalog WHERE kind = ?1 ORDER BY name";
constexpr const char* kGet = "SELECT " OBJECT_COLUMNS " FROM catalog WHERE kind = ?1 AND id = ?2";
constexpr const char* kFind =
    "SELECT " OBJECT_COLUMNS " FROM catalog WHERE kind = ?1 AND name = ?2";
constexpr const char* kCount = "SELECT count(*) FROM catalog";
constexpr const char* kInsert =
    "INSERT INTO catalog (" OBJECT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
constexpr const char* kUpdate =
    "UPDATE catalog SET name = ?3, json = ?4, origin = ?5, version = ?6, created_us = ?7, "
    "updated_us = ?8 WHERE kind = ?1 AND id = ?2";
constexpr const char* kRemove = "DELETE FROM catalog WHERE kind = ?1 AND id = ?2";
constexpr const char* kRevision = "SELECT revision FROM catalog_revision";
constexpr const char* kSetRevision = "UPDATE catalog_revision SET revision = ?1";

#undef OBJECT_COLUMNS

CatalogObject read_object(const Statement& row) {
  CatalogObject object;
  object.kind = row.text(0);
  object.id = row.text(1);
  object.name = row.text(2);
  object.json = row.text(3);
  object.origin = row.text(4) == origin_name(Origin::kFile) ? Origin::kFile : Origin::kDb;
  object.version = static_cast<std::uint64_t>(row.integer(5));
  object.created = from_us(row.integer(6));
  object.updated = from_us(row.integer(7));
  return object;
}

// The object that a statement over kind and key finds; nullopt when there is none.
Result<std::optional<CatalogObject>> look_up(Connection& connection, const char* sql,
                                             std::string_view kind, std::string_view key) {
  Statement row = connection.prepare(sql);
  row.bind(kind).bind(key);
  std::optional<CatalogObject> object;
  if (row.next()) object = read_object(row);
  if (!row.status().ok()) return row.status();
  return object;
}

Result<std::int64_t> single_number(Connection& connection, const char* sql) {
  Statement row = connection.prepare(sql);
  if (row.next()) return row.integer(0);
  return row.status().ok() ? Status(Code::kStorage, "the store has lost a row it needs")
                           : row.status();
}

Status write_object(Connection& connection, const char* sql, const CatalogObject& object) {
  return connection.prepare(sql)
      .bind(object.kind)
      .bind(object.id)
      .bind(object.name)
      .bind(object.json)
      .bind(origin_name(object.origin))
      .bind(static_cast<std::int64_t>(object.version))
      .bind(to_us(object.created))
      .bind(to_us(object.updated))
      .run();
}

// Keeps `count`, the number of objects, up to date.
Result<CatalogObject> edit_object(Connection& connection, const CatalogEdit& edit,
                                  std::uint64_t revision, std::int64_t& count) {
  const CatalogObject& wanted = edit.object;
  auto found = look_up(connection, kGet, wanted.kind, wanted.id);
  if (!found) return found.error();
  const bool exists = found->has_value();
  const Status version = check_version(edit, exists ? (*found)->version : 0);
  if (!version.ok()) return version;
  if (edit.op == CatalogEdit::Op::kRemove) {
    const Status removed = connection.prepare(kRemove).bind(wanted.kind).bind(wanted.id).run();
    if (!removed.ok()) return removed;
    --count;
    return **std::move(found);
  }
  const auto same_name = look_up(connection, kFind, wanted.kind, wanted.name);
  if (!same_name) return same_name.error();
  if (same_name->has_value() && (*same_name)->id != wanted.id)
    return name_taken(wanted.kind, wanted.name);
  if (!exists && ++count > static_cast<std::int64_t>(Catalog::kMaxObjects))
    return too_many_objects();
  CatalogObject object = wanted;
  object.version = revision;
  object.created = from_us(to_us(exists ? (*found)->created : wanted.created));
  object.updated = from_us(to_us(wanted.updated));
  const Status written = write_object(connection, exists ? kUpdate : kInsert, object);
  if (!written.ok()) return written;
  return object;
}

class SqliteCatalog final : public Catalog {
 public:
  explicit SqliteCatalog(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  Result<CatalogContents> list(std::string_view kind) override {
    CatalogContents contents;
    const Status status = database_->read([&](Connection& connection) -> Status {
      const auto revision = single_number(connection, kRevision);
      if (!revision) return revision.error();
      contents.revision = static_cast<std::uint64_t>(*revision);
      Statement rows = connection.prepare(kind.empty() ? kListAll : kListKind);
      if (!kind.empty()) rows.bind(kind);
      while (rows.next()) contents.objects.push_back(read_object(rows));
      return rows.status();
    });
    if (!status.ok()) return status;
    return contents;
  }

  Result<CatalogObject> get(std::string_view kind, std::string_view id) override {
    return one(kGet, kind, id);
  }
  Result<CatalogObject> find(std::string_view kind, std::string_view name) override {
    return one(kFind, kind, name);
  }

  Result<std::vector<CatalogObject>> apply(const std::vector<CatalogEdit>& edits,
                                           std::optional<std::uint64_t> if_revision) override {
    const Status checked = check_edits(edits);
    if (!checked.ok()) return checked;
    std::vector<CatalogObject> done;
    const Status status = database_->write([&](Connection& connection) -> Status {
      const auto stored = single_number(connection, kRevision);
      if (!stored) return stored.error();
      const auto revision = static_cast<std::uint64_t>(*stored);
      if (if_revision && *if_revision != revision) return revision_mismatch(*if_revision, revision);
      if (edits.empty()) return {};
      auto count = single_number(connection, kCount);
      if (!count) return count.error();
      for (std::size_t i = 0; i < edits.size(); ++i) {
        auto object = edit_object(connection, edits[i], revision + 1, *count);
        if (!object) return in_edit(i, object.error());
        done.push_back(*std::move(object));
      }
      return connection.prepare(kSetRevision).bind(*stored + 1).run();
    });
    if (!status.ok()) return status;
    return done;
  }

  Result<std::uint64_t> revision() override {
    std::uint64_t revision = 0;
    const Status status = database_->read([&](Connection& connection) -> Status {
      const auto stored = single_number(connection, kRevision);
      if (stored) revision = static_cast<std::uint64_t>(*stored);
      return stored.error();
    });
    if (!status.ok()) return status;
    return revision;
  }

 private:
  Result<CatalogObject> one(const char* sql, std::string_view kind, std::string_view key) {
    std::optional<CatalogObject> object;
    const Status status = database_->read([&](Connection& connection) -> Status {
      auto found = look_up(connection, sql, kind, key);
      if (found) object = *std::move(found);
      return found.error();
    });
    if (!status.ok()) return status;
    if (!object) return no_object(kind, key);
    return *std::move(object);
  }

  const std::shared_ptr<Database> database_;
};

}  // namespace

std::shared_ptr<Catalog> sqlite_catalog(std::shared_ptr<Database> database) {
  return std::make_shared<SqliteCatalog>(std::move(database));
}

}  // namespace llmorch
