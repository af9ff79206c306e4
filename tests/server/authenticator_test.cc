// Who is let in: client keys, and names of one's own on loopback (operations B.1, B.4, B.5: no
// failure falls through to another scheme; CVE-2026-59822).
#include "server/authenticator.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "server/client_secret.h"

namespace llmorch::server {
namespace {

// A head of these fields; it must outlive what is parsed from it.
struct Head {
  Head(const std::string& target, const std::string& fields)
      : text("GET " + target + " HTTP/1.1\r\n" + fields + "\r\n") {
    const FramingError error = parse_head(text, head);
    REQUIRE_MESSAGE(!error, error.message);
  }
  std::string text;
  RequestHead head;
};

TEST_CASE("client keys: every vendor's way of showing one, and the first that is there counts") {
  std::vector<ClientKey> keys;
  keys.push_back({"laptop", Secret("sk-llmorch-a")});
  keys.push_back({"server", Secret("sk-llmorch-b")});
  const Authenticator known(std::move(keys));
  CHECK_FALSE(known.open());
  struct Row {
    const char* fields;
    const char* query;
    Format format;
    const char* who;  // "": 401
  };
  const Format chat = Format::kOpenAiChat, gemini = Format::kGemini;
  for (const Row& row : std::vector<Row>{
           {"Authorization: Bearer sk-llmorch-a\r\n", "", chat, "laptop"},
           {"authorization: bearer   sk-llmorch-b\r\n", "", chat, "server"},
           {"X-Api-Key: sk-llmorch-b\r\n", "", chat, "server"},
           {"x-goog-api-key: sk-llmorch-a\r\n", "", gemini, "laptop"},
           {"", "?alt=sse&key=sk-llmorch-a", gemini, "laptop"},
           {"", "?key=sk-llmorch%2Da", gemini, "laptop"},
           {"", "?key=sk-llmorch-a", chat, ""},
           {"", "?akey=sk-llmorch-a", gemini, ""},
           {"", "", chat, ""},
           {"", "?key", gemini, ""},
           {"Authorization: Bearer\r\n", "", chat, ""},
           {"Authorization: Bearer \r\nx-api-key: \r\n", "", chat, ""},
           {"Authorization: Bearer sk-llmorch-\r\n", "", chat, ""},
           {"Authorization: Bearer sk-llmorch-aa\r\n", "", chat, ""},
           {"Authorization: Bearer SK-LLMORCH-A\r\n", "", chat, ""},
           {"Authorization: sk-llmorch-a\r\n", "", chat, ""},
           {"Authorization: Basic c2s6YQ==\r\n", "", chat, ""},
           {"Authorization: Basic c2s6YQ==\r\nx-api-key: sk-llmorch-a\r\n", "", chat, "laptop"},
           {"Authorization: Bearer sk-vendor\r\nx-api-key: sk-llmorch-a\r\n", "", chat, ""},
           {"x-api-key: wrong\r\nx-goog-api-key: sk-llmorch-a\r\n", "", gemini, ""},
           {"x-goog-api-key: wrong\r\n", "?key=sk-llmorch-a", gemini, ""},
       }) {
    CAPTURE(row.fields);
    CAPTURE(row.query);
    const Head head("/v1/models" + std::string(row.query), std::string("Host: a\r\n") + row.fields);
    const Result<Principal> who = known.identify(head.head, row.format);
    if (*row.who != '\0') {
      REQUIRE(who.has_value());
      CHECK(who->id == row.who);
    } else {
      REQUIRE_FALSE(who.has_value());
      CHECK(who.error().http_status() == 401);
      CHECK(who.error().message().find("sk-") == std::string::npos);
    }
  }
}

TEST_CASE("without client keys everybody is nobody in particular") {
  const Authenticator anybody({});
  CHECK(anybody.open());
  const Head head("/", "Host: a\r\nAuthorization: Bearer sk-of-a-vendor\r\n");
  const Result<Principal> who = anybody.identify(head.head, Format::kOpenAiChat);
  REQUIRE(who.has_value());
  CHECK(who->id.empty());
}

TEST_CASE("loopback: a foreign Host or Origin is refused") {
  struct Row {
    const char* fields;
    bool own;
    const char* listen_host = "127.0.0.1";
  };
  for (const Row& row : std::vector<Row>{
           {"Host: localhost\r\n", true},
           {"Host: LocalHost:8000\r\n", true},
           {"Host: 127.0.0.1\r\n", true},
           {"Host: 127.0.0.1:1\r\n", true},
           {"Host: [::1]\r\n", true},
           {"Host: [::1]:8000\r\n", true},
           {"Host: llm.test:8000\r\n", true, "llm.test"},
           {"Host: llm.test:8000\r\n", false},
           {"Host: evil.example\r\n", false},
           {"Host: evil.example:8000\r\n", false},
           {"Host: localhost.evil.example\r\n", false},
           {"Host: evil.example:80:127.0.0.1\r\n", false},
           {"Host: 127.0.0.1.evil.example\r\n", false},
           {"Host: 127.0.0.1:80x\r\n", false},
           {"Host: 127.0.0.2\r\n", false},
           {"Host: 0.0.0.0:8000\r\n", false},
           {"Host: [::2]\r\n", false},
           {"Host: [::1]evil\r\n", false},
           {"Host: [::1\r\n", false},
           {"Host: :8000\r\n", false, ""},
           {"Host: localhost\r\nOrigin: http://localhost:3000\r\n", true},
           {"Host: localhost\r\nOrigin: https://127.0.0.1\r\n", true},
           {"Host: localhost\r\nOrigin: http://[::1]:5173\r\n", true},
           {"Host: localhost\r\nOrigin: https://evil.example\r\n", false},
           {"Host: localhost\r\nOrigin: null\r\n", false},
           {"Host: localhost\r\nOrigin: file://\r\n", false},
           {"Host: localhost\r\nOrigin: http://\r\n", false},
           {"Host: localhost\r\nOrigin: localhost\r\n", false},
           {"Host: localhost\r\nOrigin: chrome-extension://localhost\r\n", false},
           {"Host: localhost\r\nOrigin: http://localhost\r\nOrigin: https://evil.example\r\n",
            false},
           {"Host: localhost\r\nOrigin: http://localhost@evil.example\r\n", false},
       }) {
    CAPTURE(row.fields);
    const Head head("/v1/models", row.fields);
    const Status status = check_own_host(head.head, row.listen_host);
    CHECK(status.ok() == row.own);
    if (!status.ok()) CHECK(status.http_status() == 403);
  }
  std::string text = "GET / HTTP/1.0\r\n\r\n";  // no browser speaks like that
  RequestHead head;
  REQUIRE_FALSE(parse_head(text, head));
  CHECK(check_own_host(head, "").ok());
}

TEST_CASE("a fresh client key is 43 letters and digits behind its prefix, and each is another") {
  const Result<std::string> first = new_client_secret(), second = new_client_secret();
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(*first != *second);
  CHECK(first->size() == 11 + 43);
  CHECK(first->starts_with("sk-llmorch-"));
  CHECK(first->find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                 11) == std::string::npos);
}

}  // namespace
}  // namespace llmorch::server
