#include "lib/http/server.h"

#include <gmock/gmock.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/http/testing/http_get.h"
#include "lib/net/testing/loopback.h"

namespace postern::http {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Says what it was asked.
Response Echo(const Request& request) {
  std::string body = request.method + " " + request.path;
  for (const auto& [name, value] : request.query)
    body.append(" ?").append(name).append("=").append(value);
  if (const auto tag = request.Header("x-tag")) body.append(" tag=").append(*tag);
  return {.headers = {{"X-Served-By", "echo"}}, .body = body + " body=" + request.body};
}

std::unique_ptr<Server> Started(Server::Options options = {}, Handler handler = &Echo) {
  auto server = Server::Start(net::Loopback::ListenAnywhere(), options, std::move(handler));
  EXPECT_THAT(server, base::IsOk());
  return server ? *std::move(server) : nullptr;
}

TEST(Server, HandsTheWholeRequestToItsHandlerAndTheAnswerBack) {
  const auto server = Started();
  const Reply reply =
      Ask(server->port(), "POST", "/a%20b?x=1&flag&y=%26", "X-Tag: blue\r\n", "some text");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "POST /a b ?x=1 ?flag= ?y=& tag=blue body=some text");
  EXPECT_EQ(reply.Header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(reply.Header("X-Served-By"), "echo");
}

TEST(Server, SendsNoBodyInAnswerToHead) {
  const auto server = Started();
  const Reply reply = Ask(server->port(), "HEAD", "/");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, IsEmpty());
  EXPECT_NE(reply.Header("Content-Length"), "0");
}

TEST(Server, AnswersSeveralRequestsOnOneConnection) {
  const auto server = Started();
  RawConnection connection(server->port());
  for (int i = 0; i < 3; ++i) {
    connection.Send("GET /again HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(ParseReply(connection.ReadUntil("body=")).status, 200);
  }
}

TEST(Server, SendsLargeAnswersWhole) {
  const std::string page(5'000'000, 'x');
  const auto server = Started({}, [&page](const Request&) -> Response { return {.body = page}; });
  EXPECT_EQ(Get(server->port(), "/").body, page);
}

TEST(Server, LeavesOutHeadersThatWouldBreakTheAnswer) {
  const auto server = Started({}, [](const Request&) -> Response {
    return {.headers = {{"X-A", "1\r\nX-Forged: 2"}, {"X-B", "3"}}};
  });
  const Reply reply = Get(server->port(), "/");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.Header("X-Forged"), IsEmpty());
  EXPECT_EQ(reply.Header("X-B"), "3");
}

TEST(Server, RefusesWhatIsNoRequestAndGoesOn) {
  const auto server = Started({.timeout = 200ms});
  const struct Case {
    const char* when;
    std::string bytes;
    const char* answer;  // how it begins; empty: closed without one
  } kCases[] = {
      {"nothing at all", "", ""},
      {"no HTTP", "hello\r\n\r\n", ""},
      {"a TLS client", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), ""},
      {"HTTP/1.1 without a host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
      {"half a head", "GET / HTTP/1.1\r\nHost: a", ""},
      {"an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505"},
      {"a length that is none", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
       "HTTP/1.1 400"},
      {"a chunk size that is none",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400"},
  };
  for (const Case& c : kCases) {
    const std::string answer = Exchange(server->port(), c.bytes);
    EXPECT_THAT(answer, StartsWith(c.answer)) << c.when;
    EXPECT_EQ(answer.find("HTTP/1.1 200"), std::string::npos) << c.when;
    EXPECT_EQ(Get(server->port(), "/").status, 200) << "after " << c.when;
  }
}

TEST(Server, BoundsTheHeadOfARequest) {
  const auto server = Started({.head_bytes = 4096});
  const std::string large(10'000, 'x');
  EXPECT_EQ(Ask(server->port(), "GET", "/", "X-Large: " + large + "\r\n").status, 431);
  EXPECT_EQ(Get(server->port(), "/" + large).status, 414);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_EQ(Ask(server->port(), "GET", "/", many).status, 431);
  EXPECT_EQ(Get(server->port(), "/").status, 200);
}

TEST(Server, BoundsTheBodyOfARequest) {
  const auto server = Started({.body_bytes = 1000});
  EXPECT_EQ(Ask(server->port(), "POST", "/", {}, std::string(1000, 'x')).status, 200);
  const Reply reply = Ask(server->port(), "POST", "/", {}, std::string(1001, 'x'));
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.body, "a body has at most 1000 bytes here\n");
  std::string chunks =
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 3; ++i) chunks += "190\r\n" + std::string(400, 'x') + "\r\n";
  EXPECT_THAT(Exchange(server->port(), chunks + "0\r\n\r\n"), StartsWith("HTTP/1.1 413"));
}

TEST(Server, DoesNotAskForABodyThatItRefuses) {
  const auto server = Started({.body_bytes = 1000});
  RawConnection connection(server->port());
  connection.Send(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n\r\n");
  EXPECT_THAT(connection.ReadUntil("\r\n"), StartsWith("HTTP/1.1 413"));
}

TEST(Server, ClosesAConnectionOnWhichNothingComes) {
  const auto server = Started({.timeout = 100ms});
  RawConnection silent(server->port());
  EXPECT_EQ(silent.ReadToEnd(), "");
  RawConnection half(server->port());
  half.Send("GET / HTTP/1.1\r\nHost:");
  EXPECT_EQ(half.ReadToEnd(), "");
}

TEST(Server, DoesNotGiveMoreTimeToAClientThatSendsByteByByte) {
  const auto server = Started({.timeout = 200ms});
  RawConnection slow(server->port());
  slow.Send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
  const auto start = std::chrono::steady_clock::now();
  while (!slow.HasNews(10) && std::chrono::steady_clock::now() - start < 5s) slow.Send("x");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_EQ(slow.ReadToEnd(), "");
}

TEST(Server, DoesNotWaitForAClientThatDoesNotRead) {
  const std::string page(20'000'000, 'x');
  std::promise<void> asked;
  const auto server = Started({.timeout = 100ms}, [&](const Request& request) -> Response {
    if (request.path != "/large") return {};
    asked.set_value();
    return {.body = page};
  });
  RawConnection deaf(server->port());
  deaf.Send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  asked.get_future().wait();
  EXPECT_EQ(Get(server->port(), "/").status, 200) << "others are served meanwhile";
  RawConnection later(server->port());
  EXPECT_EQ(later.ReadToEnd(), "") << "which is cut off later than the deaf one";
  EXPECT_LT(deaf.ReadToEnd().size(), page.size());
}

TEST(Server, ServesTwoHundredConnectionsAtOnceThoughFewerMayBeOpen) {
  const auto server = Started({.connections = 50});
  std::vector<std::unique_ptr<RawConnection>> connections;
  for (int i = 0; i < 200; ++i) {
    connections.push_back(std::make_unique<RawConnection>(server->port()));
    ASSERT_TRUE(connections.back()->connected());
    connections.back()->Send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  }
  for (const auto& connection : connections)
    EXPECT_EQ(ParseReply(connection->ReadToEnd()).status, 200);
}

TEST(Server, GetsRidOfSilentConnectionsThatFillIt) {
  const auto server = Started({.connections = 20, .timeout = 200ms});
  std::vector<std::unique_ptr<RawConnection>> silent;
  for (int i = 0; i < 60; ++i) silent.push_back(std::make_unique<RawConnection>(server->port()));
  EXPECT_EQ(Get(server->port(), "/").status, 200);
}

TEST(Server, BoundsTheConnectionsOfOneAddress) {
  const auto server = Started({.connections_per_address = 2});
  RawConnection one(server->port());
  RawConnection two(server->port());
  RawConnection three(server->port());
  EXPECT_EQ(three.ReadToEnd(), "");
  one.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(ParseReply(one.ReadUntil("body=")).status, 200);
}

TEST(Server, FinishesTheAnswerThatIsUnderWayWhenItStops) {
  std::promise<void> asked;
  std::promise<void> go_on;
  auto server = Started({.grace = 5s}, [&](const Request&) -> Response {
    asked.set_value();
    go_on.get_future().wait();
    return {.body = std::string(30'000'000, 'x')};
  });
  const int port = server->port();
  auto reply = std::async(std::launch::async, [port] { return Get(port, "/"); });
  asked.get_future().wait();
  std::jthread stops([&server] { server.reset(); });
  go_on.set_value();
  EXPECT_EQ(reply.get().body.size(), 30'000'000U);
  stops.join();
  EXPECT_EQ(Get(port, "/").status, 0) << "nobody listens any more";
}

TEST(Server, StopsAtOnceWithSilentConnectionsOpen) {
  auto server = Started({.grace = 5s});
  RawConnection silent(server->port());
  EXPECT_EQ(Get(server->port(), "/").status, 200);
  const auto start = std::chrono::steady_clock::now();
  server.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  EXPECT_EQ(silent.ReadToEnd(), "");
}

}  // namespace
}  // namespace postern::http
