// Secrets at rest: what is sealed opens in its place with its key, and nowhere else.
#include "storage/seal.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>
#include <string>

#include "storage/base64.h"
#include "storage/store_kinds.h"

namespace llmorch::test {
namespace {

constexpr const char* kHex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr const char* kBase64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr const char* kOther = "////////////////////////////////////////////";  // 33 bytes
constexpr SealPlace kPlace{"provider", "0193-a", "credentials/main"};

Key key_of(const std::string& text) {
  auto key = Key::parse(Secret(text));
  REQUIRE_MESSAGE(key, key.error().message());
  return *std::move(key);
}

std::string other_hex() { return std::string(64, 'f'); }

TEST_CASE("base64: strict both ways") {
  for (const char* text : {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"}) {
    const auto bytes = base64_decode(text);
    REQUIRE(bytes);
    CHECK(base64_encode(*bytes) == text);
  }
  CHECK(*base64_decode("Zm9vYmFy") == "foobar");
  for (const char* text : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==\n",
                           " Zg==", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9_", "Zm\xC3\xA4"}) {
    CAPTURE(text);
    CHECK_FALSE(base64_decode(text));
  }
}

TEST_CASE("key: hex or base64 of 32 bytes, nothing else") {
  CHECK(key_of(kHex).bytes().equals(key_of(kBase64).bytes().reveal()));
  CHECK(key_of(kHex).id() == key_of(std::string(" ") + kBase64 + "\n").id());
  CHECK(key_of(kHex).id().size() == 16);
  CHECK(key_of(kHex).id() != key_of(other_hex()).id());
  for (const std::string& text :
       {std::string(), std::string("short"), std::string(kHex).substr(2), std::string(kHex) + "00",
        std::string(64, 'g'), std::string(kOther), std::string(32, 'x')}) {
    CAPTURE(text);
    const auto key = Key::parse(Secret(text));
    REQUIRE_FALSE(key);
    CHECK(key.error().code() == Code::kInvalidArgument);
    if (!text.empty()) CHECK(key.error().message().find(text) == std::string::npos);
  }
}

TEST_CASE("key file: made once, for its owner alone") {
  const TempDir top;
  const auto dir = DataDir::open(top.path());
  REQUIRE(dir);
  const auto made = Key::load_or_make(**dir, "master.key");
  REQUIRE_MESSAGE(made, made.error().message());
  const std::string path = (*dir)->file("master.key");
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(Key::load_or_make(**dir, "master.key")->id() == made->id());
  CHECK(Key::load_or_make(**dir, "pepper.key")->id() != made->id());
  CHECK(::stat((path + ".new").c_str(), &info) != 0);

  ::chmod(path.c_str(), 0640);
  const auto open_to_others = Key::load_or_make(**dir, "master.key");
  REQUIRE_FALSE(open_to_others);
  CHECK(open_to_others.error().message().find("chmod 600 " + path) != std::string::npos);
  ::chmod(path.c_str(), 0600);
  std::ofstream(path) << "half a key";
  const auto broken = Key::load_or_make(**dir, "master.key");
  REQUIRE_FALSE(broken);  // and is not replaced: what it sealed would be lost
  CHECK(broken.error().code() == Code::kStorage);
  CHECK(broken.error().message().find(path) == 0);
  CHECK(broken.error().message().find("half a key") == std::string::npos);
}

TEST_CASE("seal: opens in its place, and every sealing differs") {
  const Sealer sealer(key_of(kHex));
  for (const std::string& text : {std::string("sk-canary-1234"), std::string(),
                                  std::string(1, '\0'), std::string(60'000, 'x')}) {
    const auto sealed = sealer.seal(Secret(text), kPlace);
    REQUIRE(sealed);
    CHECK(sealed->starts_with("v1:" + sealer.key_id() + ":"));
    if (text.size() > 1) CHECK(sealed->find(text) == std::string::npos);
    const auto opened = sealer.open(*sealed, kPlace);
    REQUIRE_MESSAGE(opened, opened.error().message());
    CHECK(opened->reveal() == text);
  }
  std::set<std::string> forms;
  for (int i = 0; i < 100; ++i) forms.insert(*sealer.seal(Secret("same"), kPlace));
  CHECK(forms.size() == 100);
  CHECK(sealer.seal(Secret(std::string(70'000, 'x')), kPlace).error().code() == Code::kTooLarge);
}

TEST_CASE("seal: a text written by the first release still opens") {
  // AES-256-GCM of "sk-first" with key 00..1f, nonce 00..0b, made by another implementation.
  const Sealer sealer(key_of(kHex));
  const auto opened =
      sealer.open("v1:be8ad09d7698ee5e:AAECAwQFBgcICQoLNGn7fayXsW9ALrx7uV7zO6NHZ5J0ZsvI", kPlace);
  REQUIRE_MESSAGE(opened, opened.error().message());
  CHECK(opened->reveal() == "sk-first");
}

TEST_CASE("seal: another key, another place, or a changed byte does not open") {
  const Sealer sealer(key_of(kHex));
  const std::string sealed = *sealer.seal(Secret("sk-canary"), kPlace);
  const Sealer other(key_of(other_hex()));
  const auto wrong = other.open(sealed, kPlace);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().reason() == "wrong_key");
  CHECK(wrong.error().message().find(sealer.key_id()) != std::string::npos);
  CHECK(wrong.error().message().find(other.key_id()) != std::string::npos);
  CHECK(wrong.error().message().find("credentials/main") != std::string::npos);

  const SealPlace places[] = {{"provider", "0193-b", "credentials/main"},
                              {"model", "0193-a", "credentials/main"},
                              {"provider", "0193-a", "credentials/spare"},
                              {"provide", "r0193-a", "credentials/main"},
                              {"provider/8:0193-a", "", "credentials/main"}};
  for (const SealPlace& place : places)
    CHECK(sealer.open(sealed, place).error().reason() == "sealed_value_damaged");

  const std::size_t body = sealed.rfind(':') + 1;
  const std::string bytes = *base64_decode(sealed.substr(body));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    CHECK(sealer.open(sealed.substr(0, body) + base64_encode(flipped), kPlace).error().reason() ==
          "sealed_value_damaged");
  }
  for (std::size_t length = 0; length < sealed.size(); ++length) {
    const auto opened = sealer.open(sealed.substr(0, length), kPlace);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message().find("canary") == std::string::npos);
  }
  // A secret that was never sealed is not taken for one.
  for (const char* text : {"sk-canary", "v1", "v1:", "v1::", "v2:x:Zg==", "::"})
    CHECK(sealer.open(text, kPlace).error().reason() == "sealed_value_damaged");
}

TEST_CASE("pepper: matches its own, and says nothing about the key") {
  const Pepper pepper(key_of(kHex));
  const Pepper other(key_of(other_hex()));
  const std::string hash = *pepper.hash(Secret("lo_live_abc"));
  CHECK(hash == *pepper.hash(Secret("lo_live_abc")));
  // HMAC-SHA-256 by another implementation.
  CHECK(hash == "v1:be8ad09d7698ee5e:w7ea/Ar+VdAs5L+/DGnMsj7Roqn5imLEY+A79tpBJlQ=");
  CHECK(pepper.matches(hash, Secret("lo_live_abc")));
  CHECK_FALSE(pepper.matches(hash, Secret("lo_live_abd")));
  CHECK_FALSE(pepper.matches(hash, Secret("")));
  CHECK_FALSE(pepper.matches("", Secret("")));
  CHECK_FALSE(pepper.matches(hash + "A", Secret("lo_live_abc")));
  CHECK_FALSE(other.matches(hash, Secret("lo_live_abc")));
  CHECK(hash.find("abc") == std::string::npos);
}

}  // namespace
}  // namespace llmorch::test
