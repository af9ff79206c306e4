#include "server/raw_requests.h"

namespace llmorch::server {
namespace {

using namespace std::string_literals;

const std::string kHost = "Host: localhost\r\n";
std::string echo(const std::string& fields, const std::string& body) {
  return "POST /echo HTTP/1.1\r\n" + kHost + fields + "\r\n" + body;
}
std::string plain(const std::string& fields) {
  return "GET /plain HTTP/1.1\r\n" + kHost + fields + "\r\n";
}
std::string line(const std::string& request_line) { return request_line + "\r\n" + kHost + "\r\n"; }
std::string chunks(const std::string& body) { return echo("Transfer-Encoding: chunked\r\n", body); }
std::string many_fields(int count) {  // beside Host
  std::string out;
  for (int i = 0; i < count; ++i) out += "x-" + std::to_string(i) + ": 1\r\n";
  return out;
}
const std::string kSmuggled = "GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n";

}  // namespace

const std::vector<RawRequest>& raw_requests() {
  static const std::vector<RawRequest> rows = {
      // What is well formed works.
      {"a GET", plain(""), 200, false, "plain"},
      {"a body by length", echo("Content-Length: 5\r\n", "hello"), 200, false, "hello"},
      {"a body of length 0", echo("Content-Length: 0\r\n", ""), 200, false, ""},
      {"a POST without a body", echo("", ""), 200, false, ""},
      {"a chunked body", chunks("5\r\nhello\r\n0\r\n\r\n"), 200, false, "hello"},
      {"several chunks, hex digits of both cases",
       chunks("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), 200, false,
       "01234567890123456789a"},
      {"a chunk size with leading zeros, 8 digits", chunks("00000005\r\nhello\r\n0\r\n\r\n"), 200,
       false, "hello"},
      {"a chunk extension", chunks("5;a=b\r\nhello\r\n0\r\n\r\n"), 200, false, "hello"},
      {"trailers are dropped", chunks("5\r\nhello\r\n0\r\nx-a: 1\r\nx-b: 2\r\n\r\n"), 200, false,
       "hello"},
      {"Transfer-Encoding in any case",
       echo("transfer-encoding: Chunked\r\n", "1\r\nx\r\n0\r\n\r\n"), 200, false, "x"},
      {"exactly 100 fields", plain(many_fields(99)), 200, false, "plain"},
      {"a long field below 8 KB", plain("x-a: " + std::string(8000, 'a') + "\r\n"), 200, false,
       "plain"},
      {"space and tab around a value", plain("x-a: \t b \t\r\n"), 200, false, "plain"},
      {"an empty value", plain("x-a:\r\n"), 200, false, "plain"},
      {"bytes above ASCII in a value", plain("x-a: \xc3\xa9\r\n"), 200, false, "plain"},
      {"an absolute target", line("GET http://other/plain HTTP/1.1"), 200, false, "plain"},
      {"a query", line("GET /plain?a=b%20c HTTP/1.1"), 200, false, "plain"},
      {"an IPv6 Host", "GET /plain HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", 200, false, "plain"},
      {"Connection: close", plain("Connection: close\r\n"), 200, true, "plain"},
      {"Connection: Close in capitals", plain("Connection: Close\r\n"), 200, true, "plain"},
      {"close among other options", plain("Connection: foo, CLOSE\r\n"), 200, true, "plain"},
      {"HTTP/1.0 closes", "GET /plain HTTP/1.0\r\n\r\n", 200, true, "plain"},
      {"HTTP/1.0 keep-alive", "GET /plain HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false,
       "plain"},

      // Features of cpp-httplib that a JSON interface must not have.
      {"Range is not looked at", plain("Range: bytes=0-1\r\n"), 200, false, "plain"},
      {"Accept-Encoding does not compress", plain("Accept-Encoding: gzip, br\r\n"), 200, false,
       "plain"},
      {"percent-encoded octets are not another spelling", line("GET /%70lain HTTP/1.1"), 404,
       false},
      {"form bodies above 8 KB pass",
       echo("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n",
            std::string(9000, 'x')),
       200, false, std::string(9000, 'x')},
      {"a REMOTE_ADDR field is only a field", plain("REMOTE_ADDR: 10.0.0.1\r\n"), 200, false,
       "plain"},
      {"a filename* field costs nothing",
       plain("Content-Disposition: form-data; filename*=" + std::string(7000, '%') + "\r\n"), 200,
       false, "plain"},
      {"percent-encoded CR LF in a field stays encoded", plain("x-a: b%0d%0ax-c: d\r\n"), 200,
       false, "plain"},
      {"an exception says nothing", line("GET /throws HTTP/1.1"), 500, false},

      // Lengths.
      {"Content-Length twice", echo("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
      {"two Content-Lengths that differ",
       echo("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400},
      {"a list as Content-Length", echo("Content-Length: 5, 5\r\n", "hello"), 400},
      {"letters as Content-Length", echo("Content-Length: abc\r\n", "hello"), 400},
      {"a signed Content-Length", echo("Content-Length: +3\r\n", "hel"), 400},
      {"a negative Content-Length", echo("Content-Length: -5\r\n", "hello"), 400},
      {"a hexadecimal Content-Length", echo("Content-Length: 0x5\r\n", "hello"), 400},
      {"an empty Content-Length", echo("Content-Length:\r\n", "hello"), 400},
      {"space before the colon", echo("Content-Length : 5\r\n", "hello"), 400},
      {"a Content-Length beyond all bounds",
       echo("Content-Length: 99999999999999999999999\r\n", ""), 413},
      {"a body above the limit", echo("Content-Length: 33554433\r\n", ""), 413},
      {"a GET's body is not the next request",
       plain("Content-Length: " + std::to_string(kSmuggled.size()) + "\r\n") + kSmuggled, 200,
       false, "plain"},

      // Transfer codings.
      {"length and chunks",
       echo("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + kSmuggled), 400},
      {"chunks and length",
       echo("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" + kSmuggled), 400},
      {"Transfer-Encoding twice",
       echo("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"chunked twice in one field", echo("Transfer-Encoding: chunked, chunked\r\n", ""), 501},
      {"another coding before chunked", echo("Transfer-Encoding: x, chunked\r\n", ""), 501},
      {"another coding with a length",
       echo("Transfer-Encoding: x, chunked\r\nContent-Length: 5\r\n", "hello"), 400},
      {"identity as a transfer coding", echo("Transfer-Encoding: identity\r\n", ""), 501},
      {"an empty Transfer-Encoding", echo("Transfer-Encoding:\r\n", ""), 501},
      {"chunks in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"a compressed body", echo("Content-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"), 415},
      {"Content-Encoding: identity",
       echo("Content-Encoding: identity\r\nContent-Length: 5\r\n", "hello"), 200, false, "hello"},

      // Chunks.
      {"a negative chunk size", chunks("-2\r\nhello\r\n0\r\n\r\n"), 400},
      {"a signed chunk size", chunks("+5\r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk size after a space", chunks(" 5\r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk size before a space", chunks("5 \r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk size with 0x", chunks("0x5\r\nhello\r\n0\r\n\r\n"), 400},
      {"letters behind a chunk size", chunks("5zz\r\nhello\r\n0\r\n\r\n"), 400},
      {"no chunk size", chunks("\r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk size of 9 digits", chunks("000000005\r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk size above the limit", chunks("ffffffff\r\n"), 413},
      {"a chunk extension of 257 bytes",
       chunks("5;" + std::string(257, 'a') + "\r\nhello\r\n0\r\n\r\n"), 400},
      {"a bare LF after a chunk size", chunks("5\nhello\r\n0\r\n\r\n"), 400},
      {"a bare LF after chunk data", chunks("5\r\nhello\n0\r\n\r\n"), 400},
      {"a chunk longer than its size", chunks("5\r\nhello!\r\n0\r\n\r\n"), 400},
      {"a bare LF after the last chunk", chunks("0\r\n\n"), 400},
      {"a trailer without a colon", chunks("0\r\nabc\r\n\r\n"), 400},
      {"trailers without end", chunks("0\r\nx: " + std::string(9000, 'a') + "\r\n\r\n"), 431},
      {"a CR in a chunk extension", chunks("5;a\rb\r\nhello\r\n0\r\n\r\n"), 400},

      // Lines and fields.
      {"bare LF after the request line", "GET /plain HTTP/1.1\nHost: localhost\r\n\r\n", 400},
      {"bare LF after a field", "GET /plain HTTP/1.1\r\nHost: localhost\nx-a: b\r\n\r\n", 400},
      {"bare LFs only", "GET /plain HTTP/1.1\nHost: localhost\n\n", 400},
      {"a bare CR in a value", plain("x-a: b\rc\r\n"), 400},
      {"two CRs", "GET /plain HTTP/1.1\r\r\nHost: localhost\r\n\r\n", 400},
      {"NUL in a value", plain("x-a: b\0c\r\n"s), 400},
      {"NUL in a name", plain("x\0a: b\r\n"s), 400},
      {"a control character in a value",
       plain("x-a: b\x01"
             "c\r\n"),
       400},
      {"DEL in a value",
       plain("x-a: b\x7f"
             "c\r\n"),
       400},
      {"a folded field", plain("x-a: b\r\n c\r\n"), 400},
      {"a first field that looks folded", "GET /plain HTTP/1.1\r\n Host: localhost\r\n\r\n", 400},
      {"a field without a colon", plain("nonsense\r\n"), 400},
      {"a field without a name", plain(": b\r\n"), 400},
      {"a name that is no token", plain("x(a): b\r\n"), 400},
      {"a name above ASCII", plain("x-\xc3\xa9: b\r\n"), 400},
      {"101 fields", plain(many_fields(100)), 431},
      {"300 000 fields", plain(many_fields(2000)), 431},
      {"a field of more than 8 KB", plain("x-a: " + std::string(8200, 'a') + "\r\n"), 431},
      {"a line without end", "GET /plain HTTP/1.1\r\nx: " + std::string(40000, 'a'), 431},
      {"a head of more than 32 KB",
       plain("x-a: " + std::string(8000, 'a') + "\r\nx-b: " + std::string(8000, 'a') +
             "\r\nx-c: " + std::string(8000, 'a') + "\r\nx-d: " + std::string(8000, 'a') +
             "\r\nx-e: " + std::string(8000, 'a') + "\r\n"),
       431},

      // Host.
      {"no Host", "GET /plain HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", plain("Host: other\r\n"), 400},
      {"two Hosts alike", plain("Host: localhost\r\n"), 400},
      {"an empty Host", "GET /plain HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"a list as Host", "GET /plain HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"a path in Host", "GET /plain HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"credentials in Host", "GET /plain HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},

      // The request line.
      {"no request line", "\r\nGET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"HTTP/0.9", "GET /plain\r\n\r\n", 400},
      {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", line("GET /plain HTTP/1.2"), 505},
      {"HTTP/3.0", line("GET /plain HTTP/3.0"), 505},
      {"a version in small letters", line("GET /plain http/1.1"), 400},
      {"a version with more digits", line("GET /plain HTTP/1.10"), 400},
      {"no HTTP version", line("GET /plain HTCPCP/1.0"), 400},
      {"two spaces", line("GET  /plain HTTP/1.1"), 400},
      {"a tab for a space", line("GET\t/plain HTTP/1.1"), 400},
      {"a space in the target", line("GET /pl ain HTTP/1.1"), 400},
      {"a space at the end", line("GET /plain HTTP/1.1 "), 400},
      {"a method that is no token", line("G(T /plain HTTP/1.1"), 400},
      {"a long method", line(std::string(33, 'A') + " /plain HTTP/1.1"), 400},
      {"a target without a slash", line("GET plain HTTP/1.1"), 400},
      {"a fragment in the target", line("GET /plain#a HTTP/1.1"), 400},
      {"a backslash in the target", line("GET /pl\\ain HTTP/1.1"), 400},
      {"half a percent-encoding", line("GET /plain%7 HTTP/1.1"), 400},
      {"a percent-encoding that is none", line("GET /plain%zz HTTP/1.1"), 400},
      {"bytes above ASCII in the target", line("GET /pl\xc3\xa9 HTTP/1.1"), 400},
      {"CONNECT", line("CONNECT localhost:80 HTTP/1.1"), 400},
      {"a proxy's target with credentials", line("GET http://a@b/plain HTTP/1.1"), 400},
      {"a target of more than 8 KB", line("GET /" + std::string(9000, 'a') + " HTTP/1.1"), 414},
      {"a target of almost 8 KB", line("GET /" + std::string(8000, 'a') + " HTTP/1.1"), 404, false},
      {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 400},

      // What is well formed, but not here.
      {"a path nobody knows", line("GET /plane HTTP/1.1"), 404, false},
      {"OPTIONS *", line("OPTIONS * HTTP/1.1"), 404, false},
      {"a wrong method", line("DELETE /plain HTTP/1.1"), 405, false},
      {"a method nobody knows", line("BREW /plain HTTP/1.1"), 405, false},
      {"a POST where a GET is wanted", "POST /plain HTTP/1.1\r\n" + kHost + "\r\n", 405, false},
      {"another expectation", echo("Expect: 200-ok\r\nContent-Length: 5\r\n", "hello"), 417},
      {"an encoded slash", line("GET /%2fplain HTTP/1.1"), 404, false},
      {"an encoded CR LF in the path", line("GET /plain%0d%0aX:1 HTTP/1.1"), 404, false},
      {"dots in the path", line("GET /a/../plain HTTP/1.1"), 404, false},
  };
  return rows;
}

}  // namespace llmorch::server
