#include "sidecar/admin/pages.h"

#include <gmock/gmock.h>

#include "sidecar/admin/testing/stated_health.h"

namespace postern::admin {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;

class PagesTest : public ::testing::Test {
 protected:
  http::Response Ask(const std::string& method, const std::string& path, http::Pairs query = {}) {
    return pages_.Answer({.method = method, .path = path, .query = std::move(query)});
  }

  metrics::Registry registry_{"0.1.0"};
  StatedHealth health_;
  Pages pages_{registry_, health_};
};

TEST_F(PagesTest, AnswersEveryPathAndMethod) {
  const struct Case {
    const char* when;
    const char* method;
    const char* path;
    int status;
    const char* body;
  } kCases[] = {
      {"the index names every page", "GET", "/", 200, "/readyz"},
      {"metrics", "GET", "/metrics", 200, "postern_build_info{version=\"0.1.0\"} 1\n"},
      {"a relay that runs", "GET", "/livez", 200, "ok\n"},
      {"a relay that takes traffic", "GET", "/readyz", 200, "ok\n"},
      {"HEAD is like GET", "HEAD", "/readyz", 200, "ok\n"},
      {"a page that is none", "GET", "/metric", 404, "/ lists those that there are"},
      {"a page below a page", "GET", "/metrics/", 404, "no such page"},
      {"an empty path", "GET", "", 404, "no such page"},
      {"writing to a page", "POST", "/metrics", 405, "this page takes GET, HEAD"},
      {"a method in small letters", "get", "/livez", 405, "this page takes GET, HEAD"},
      {"reading the drain", "GET", "/drain", 405, "this page takes POST"},
      {"asking the drain for its head", "HEAD", "/drain", 405, "this page takes POST"},
  };
  for (const Case& c : kCases) {
    const http::Response response = Ask(c.method, c.path);
    EXPECT_EQ(response.status, c.status) << c.when;
    EXPECT_THAT(response.body, HasSubstr(c.body)) << c.when;
    EXPECT_THAT(response.headers, Contains(Pair("Cache-Control", "no-store"))) << c.when;
  }
  EXPECT_EQ(health_.drains(), 0);
}

TEST_F(PagesTest, TellWhichMethodIsAllowed) {
  EXPECT_THAT(Ask("GET", "/drain").headers, Contains(Pair("Allow", "POST")));
  EXPECT_THAT(Ask("DELETE", "/livez").headers, Contains(Pair("Allow", "GET, HEAD")));
}

TEST_F(PagesTest, ServeMetricsUnderTheirContentType) {
  EXPECT_EQ(Ask("GET", "/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(PagesTest, GiveEveryReasonALineWhereTheRelayIsNotReady) {
  health_.SetNotReady({"no parent is linked", "the queue is full"});
  EXPECT_EQ(Ask("GET", "/readyz").status, 503);
  EXPECT_EQ(Ask("GET", "/readyz").body, "no parent is linked\nthe queue is full\n");
  EXPECT_EQ(Ask("GET", "/livez").status, 200) << "a restart would not mend it";
}

TEST_F(PagesTest, TellMoreWhereAsked) {
  EXPECT_EQ(Ask("GET", "/readyz", {{"verbose", ""}}).body, "[+] alive\n[+] ready\n");
  health_.SetNotReady({"no parent is linked"});
  const http::Response response = Ask("GET", "/readyz", {{"verbose", ""}});
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "[+] alive\n[-] no parent is linked\n[-] not ready\n");
}

TEST_F(PagesTest, KeepAReasonOnItsLine) {
  health_.SetNotReady({"peer \"a\nok\x1b[2J\" refused"});
  EXPECT_EQ(Ask("GET", "/readyz").body, "peer \"a?ok?[2J\" refused\n");
}

TEST_F(PagesTest, SayThatTheLoopIsStuck) {
  health_.SetAlive(false);
  EXPECT_EQ(Ask("GET", "/livez").status, 503);
  EXPECT_THAT(Ask("GET", "/livez").body, HasSubstr("does not turn"));
}

TEST_F(PagesTest, StartADrainOnlyByPost) {
  EXPECT_EQ(Ask("POST", "/drain").status, 202);
  EXPECT_EQ(health_.drains(), 1);
  EXPECT_EQ(Ask("GET", "/readyz").body, "draining\n");
}

}  // namespace
}  // namespace postern::admin
