// Routes: which one takes a request, who is let in, and what is said where there is none.
#include <doctest/doctest.h>

#include "server/harness.h"

namespace llmorch::server {
namespace {

TEST_CASE("405 names the methods, 404 the nearest path") {
  FrontThread front;
  RawClient client(front.port());
  client.send("PUT /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(client.answer().field("allow") == "GET, HEAD");
  client.send(get("/echo"));
  CHECK(client.answer().field("allow") == "POST");
  client.send(get("/plian"));
  const std::string body = client.answer().body;
  CHECK(body.find("the nearest is /plain") != std::string::npos);
  for (const char* route : {"POST /echo", "GET /pooled", "GET /named/{name}"})
    CHECK_MESSAGE(body.find(route) != std::string::npos, body);
}

TEST_CASE("a route that ends with a name takes any name, '/' and escapes included") {
  FrontThread front;
  RawClient client(front.port());
  struct Row {
    std::string target;
    int status;
    std::string body{};
  };
  const std::string longest(7000, 'a');
  for (const Row& row : std::vector<Row>{{"/named/a", 200, "a"},
                                         {"/named/openai/gpt-4o", 200, "openai/gpt-4o"},
                                         {"/named/openai%2Fgpt-4o", 200, "openai/gpt-4o"},
                                         {"/named/a//b/?q=1", 200, "a//b/"},
                                         {"/named/%e2%82%ac%0A", 200, "\xe2\x82\xac\n"},
                                         {"/named/" + longest, 200, longest},
                                         {"/named/", 404},
                                         {"/named", 404},
                                         {"/Named/a", 404},
                                         {"/%6eamed/a", 404}}) {
    CAPTURE(row.target.substr(0, 40));
    client.send(get(row.target));
    const RawAnswer answer = client.answer();
    CHECK(answer.status == row.status);
    if (row.status == 200) CHECK((answer.body == row.body));
  }
  client.send("DELETE /named/a HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.answer().field("allow") == "GET, HEAD");
}

TEST_CASE("whoever is not admitted gets no route, and is asked before every one") {
  FrontOptions options;
  options.admit = [](const Route* route, Request& request) -> Status {
    if (request.head.find("x-evil") != nullptr) return Status(Code::kPermission, "no");
    if (route == nullptr || route->open) return {};
    const std::string_view* key = request.head.find("x-api-key");
    if (key == nullptr) return Status(Code::kAuth, "who are you?");
    request.principal.id = *key;
    return {};
  };
  FrontThread front(options);
  RawClient client(front.port());
  struct Row {
    const char* path;
    const char* fields;
    int status;
  };
  for (const Row& row : std::vector<Row>{{"/plain", "", 401},
                                         {"/plain", "x-api-key: me\r\n", 200},
                                         {"/pooled", "", 401},
                                         {"/pooled", "x-api-key: me\r\n", 200},
                                         {"/named/a", "", 401},
                                         {"/named/a", "x-api-key: me\r\n", 200},
                                         {"/whoami", "", 200},
                                         {"/nowhere", "", 404},
                                         {"/whoami", "x-evil: 1\r\n", 403},
                                         {"/plain", "x-evil: 1\r\nx-api-key: me\r\n", 403},
                                         {"/nowhere", "x-evil: 1\r\n", 403}}) {
    CAPTURE(row.path);
    CAPTURE(row.fields);
    client.send(get(row.path, row.fields));
    const RawAnswer answer = client.answer();
    CHECK(answer.status == row.status);
    CHECK(answer.field("www-authenticate") == (row.status == 401 ? "Bearer" : ""));
    if (row.status >= 400) CHECK(answer.body.starts_with("{\"error\":{\"message\":"));
  }
  client.send(post("/echo", "secret words"));
  const RawAnswer refused = client.answer();
  CHECK(refused.status == 401);
  CHECK(refused.body.find("secret") == std::string::npos);
}

TEST_CASE("an exception of a handler is a 500 that says nothing of it") {
  FrontThread front;
  RawClient client(front.port());
  client.send(get("/throws"));
  const RawAnswer answer = client.answer();
  CHECK(answer.status == 500);
  CHECK((answer.head + answer.body).find("secret") == std::string::npos);
}

TEST_CASE("a blocking route answers from the pool") {
  FrontThread front;
  RawClient client(front.port());
  for (int i = 0; i < 20; ++i) client.send(get("/pooled"));
  for (int i = 0; i < 20; ++i) CHECK(client.answer().body == "\"/pooled\"");
}

}  // namespace
}  // namespace llmorch::server
