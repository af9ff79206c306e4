// What every Catalog promises (spi/store.h).
#include <doctest/doctest.h>

#include <string>

#include "base/random.h"
#include "storage/open_stores.h"
#include "storage/store_kinds.h"

namespace llmorch::test {
namespace {

using Op = CatalogEdit::Op;

std::vector<std::string> names(const Result<CatalogContents>& contents) {
  REQUIRE_MESSAGE(contents, contents.error().message());
  std::vector<std::string> found;
  for (const CatalogObject& object : contents->objects)
    found.push_back(object.kind + "/" + object.name);
  return found;
}

TEST_CASE("catalog: an object comes back as it was put, with version and times") {
  for_each_kind([](Stores& stores) {
    Catalog& catalog = *stores.catalog;
    CatalogObject object = sample_object("provider", "p1", "claude \"x\" \xC3\xA4");
    object.origin = Origin::kFile;
    object.updated = at(2) + std::chrono::microseconds(7);
    const auto put = catalog.put(object);
    REQUIRE_MESSAGE(put, put.error().message());
    CHECK(put->version == 1);
    object.version = 1;
    CHECK(*put == object);
    const auto got = catalog.get("provider", "p1");
    REQUIRE(got);
    CHECK(*got == object);
    const auto found = catalog.find("provider", object.name);
    REQUIRE(found);
    CHECK(*found == object);

    CatalogObject later = object;
    later.name = "claude";
    later.json = "";
    later.origin = Origin::kDb;
    later.created = at(50);
    later.updated = at(60);
    const auto again = catalog.put(later, 1);
    REQUIRE_MESSAGE(again, again.error().message());
    CHECK(again->version == 2);
    CHECK(again->created == object.created);  // the first put's
    CHECK(again->updated == at(60));
    CHECK(*catalog.get("provider", "p1") == *again);
    CHECK(catalog.find("provider", object.name).error().code() == Code::kNotFound);
  });
}

TEST_CASE("catalog: what is asked of an object that is not there, or not that") {
  struct Row {
    const char* name;
    Op op;
    const char* id;
    const char* object_name;
    std::optional<std::uint64_t> if_version;
    Code code;
    int http_status;
    const char* reason;
  };
  const Row rows[] = {
      {"create", Op::kPut, "b", "new", 0, Code::kOk, 0, ""},
      {"create what exists", Op::kPut, "a", "one", 0, Code::kInvalidArgument, 412,
       "version_mismatch"},
      {"replace", Op::kPut, "a", "one", 1, Code::kOk, 0, ""},
      {"replace a newer one", Op::kPut, "a", "one", 9, Code::kInvalidArgument, 412,
       "version_mismatch"},
      {"replace what is gone", Op::kPut, "b", "new", 1, Code::kNotFound, 404, "not_found"},
      {"put blindly over it", Op::kPut, "a", "other", {}, Code::kOk, 0, ""},
      {"take a name", Op::kPut, "b", "one", {}, Code::kInvalidArgument, 409, "name_taken"},
      {"remove", Op::kRemove, "a", "", 1, Code::kOk, 0, ""},
      {"remove blindly", Op::kRemove, "a", "", {}, Code::kOk, 0, ""},
      {"remove a newer one", Op::kRemove, "a", "", 9, Code::kInvalidArgument, 412,
       "version_mismatch"},
      {"remove what is gone", Op::kRemove, "b", "", {}, Code::kNotFound, 404, "not_found"},
      {"no id", Op::kPut, "", "x", {}, Code::kInvalidArgument, 400, "invalid_request"},
      {"no name", Op::kPut, "b", "", {}, Code::kInvalidArgument, 400, "invalid_request"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    for_each_kind([&row](Stores& stores) {
      Catalog& catalog = *stores.catalog;
      REQUIRE(catalog.put(sample_object("model", "a", "one")));
      const auto before = catalog.list("");
      const auto done = catalog.apply(
          {{row.op, sample_object("model", row.id, row.object_name), row.if_version}}, {});
      CHECK(done.error().code() == row.code);
      if (row.code == Code::kOk) {
        CHECK(*catalog.revision() == 2);
        return;
      }
      CHECK(done.error().http_status() == row.http_status);
      CHECK(done.error().reason() == row.reason);
      CHECK(done.error().param() == "edits[0]");
      CHECK(catalog.list("")->objects == before->objects);
      CHECK(*catalog.revision() == 1);
    });
  }
}

TEST_CASE("catalog: many edits are one, and fail as one") {
  for_each_kind([](Stores& stores) {
    Catalog& catalog = *stores.catalog;
    const auto done = catalog.apply({{Op::kPut, sample_object("provider", "1", "b"), {}},
                                     {Op::kPut, sample_object("model", "1", "z"), {}},
                                     {Op::kPut, sample_object("provider", "2", "a"), {}}},
                                    0);
    REQUIRE_MESSAGE(done, done.error().message());
    CHECK(done->size() == 3);
    CHECK(done->at(2).version == 1);
    CHECK(names(catalog.list("")) ==
          std::vector<std::string>{"model/z", "provider/a", "provider/b"});
    CHECK(names(catalog.list("provider")) == std::vector<std::string>{"provider/a", "provider/b"});
    CHECK(names(catalog.list("key")).empty());
    CHECK(catalog.list("")->revision == 1);

    // The third edit fails: the first two did not happen.
    const auto failed = catalog.apply({{Op::kRemove, sample_object("provider", "1", "b"), {}},
                                       {Op::kPut, sample_object("provider", "3", "b"), {}},
                                       {Op::kPut, sample_object("provider", "4", "a"), {}}},
                                      {});
    CHECK(failed.error().reason() == "name_taken");
    CHECK(failed.error().param() == "edits[2]");
    CHECK(names(catalog.list("provider")) == std::vector<std::string>{"provider/a", "provider/b"});
    CHECK(catalog.get("provider", "1")->version == 1);

    // A name that an earlier edit of the same batch has freed may be taken.
    REQUIRE(catalog.apply({{Op::kRemove, sample_object("provider", "1", "b"), 1},
                           {Op::kPut, sample_object("provider", "3", "b"), 0}},
                          1));
    CHECK(catalog.find("provider", "b")->id == "3");
    CHECK(*catalog.revision() == 2);
  });
}

TEST_CASE("catalog: whoever checked against a revision is told when it is not that any more") {
  for_each_kind([](Stores& stores) {
    Catalog& catalog = *stores.catalog;
    CHECK(*catalog.revision() == 0);
    REQUIRE(catalog.put(sample_object("model", "1", "a")));
    const auto stale = catalog.apply({{Op::kPut, sample_object("model", "2", "b"), {}}}, 0);
    CHECK(stale.error().http_status() == 412);
    CHECK(stale.error().reason() == "revision_mismatch");
    CHECK(catalog.list("")->objects.size() == 1);
    CHECK(catalog.apply({}, 1)->empty());
    CHECK(*catalog.revision() == 1);  // nothing was changed
  });
}

TEST_CASE("catalog: what is too much is refused") {
  for_each_kind([](Stores& stores) {
    Catalog& catalog = *stores.catalog;
    CatalogObject large = sample_object("model", "1", "a");
    large.json.assign((1 << 20) + 1, ' ');
    CHECK(catalog.put(large).error().code() == Code::kTooLarge);
    large.json.pop_back();
    CHECK(catalog.put(large));
    const std::vector<CatalogEdit> edits(Catalog::kMaxEdits + 1,
                                         {Op::kPut, sample_object("model", "2", "b"), {}});
    CHECK(catalog.apply(edits, {}).error().code() == Code::kTooLarge);
    CHECK(catalog.put(sample_object(std::string(65, 'k'), "3", "c")).error().code() ==
          Code::kInvalidArgument);
    CHECK(catalog.put(sample_object("model", "3", std::string(257, 'n'))).error().code() ==
          Code::kInvalidArgument);
    CHECK(catalog.list("")->objects.size() == 1);
  });
}

// The memory catalog is the model; the others must give its answers to the same random edits.
TEST_CASE("catalog: every kind answers random edits alike") {
  for_each_kind([](Stores& stores) {
    const Stores model = memory_stores();
    Random random(7);
    for (int step = 0; step < 300; ++step) {
      CAPTURE(step);
      std::vector<CatalogEdit> edits;
      for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
        CatalogEdit edit;
        edit.op = random.below(4) == 0 ? Op::kRemove : Op::kPut;
        edit.object = sample_object(random.below(2) == 0 ? "model" : "provider",
                                    std::to_string(random.below(5)),
                                    "name-" + std::to_string(random.below(6)));
        edit.object.updated = at(step);
        if (random.below(2) == 0) {
          const auto there = model.catalog->get(edit.object.kind, edit.object.id);
          edit.if_version = there ? there->version : random.below(2);
        }
        edits.push_back(std::move(edit));
      }
      const auto wanted = model.catalog->apply(edits, {});
      const auto got = stores.catalog->apply(edits, {});
      CHECK(got.error().message() == wanted.error().message());
      CHECK(got.error().param() == wanted.error().param());
      REQUIRE(got.has_value() == wanted.has_value());
      if (wanted) CHECK(*got == *wanted);
      CHECK(stores.catalog->list("")->objects == model.catalog->list("")->objects);
      CHECK(*stores.catalog->revision() == *model.catalog->revision());
    }
  });
}

}  // namespace
}  // namespace llmorch::test
