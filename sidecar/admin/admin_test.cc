#include "sidecar/admin/admin.h"

#include <gmock/gmock.h>

#include <memory>
#include <thread>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/http/testing/http_get.h"
#include "lib/net/testing/loopback.h"
#include "sidecar/admin/testing/stated_health.h"

namespace postern::admin {
namespace {

using http::Ask;
using http::Get;
using http::RawConnection;
using http::Reply;
using std::chrono_literals::operator""ms;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class AdminTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(admin_, base::IsOk()); }
  int port() const { return (*admin_)->port(); }

  metrics::Registry registry_{"0.1.0"};
  StatedHealth health_;
  base::Result<std::unique_ptr<Admin>> admin_ =
      Admin::Start(net::Loopback::ListenAnywhere(), {.timeout = 200ms}, registry_, health_);
};

TEST_F(AdminTest, ServesProbesAndMetrics) {
  EXPECT_EQ(Get(port(), "/livez").body, "ok\n");
  EXPECT_EQ(Get(port(), "/readyz").status, 200);
  registry_.AddCounter("postern_link_records_total", "Records sent.").Increment(3);
  const Reply page = Get(port(), "/metrics");
  EXPECT_EQ(page.Header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr("\npostern_link_records_total 3\n"));
}

TEST_F(AdminTest, DrainsByPostAndShowsIt) {
  EXPECT_EQ(Get(port(), "/drain").status, 405);
  EXPECT_EQ(Get(port(), "/drain").Header("Allow"), "POST");
  EXPECT_EQ(Ask(port(), "POST", "/drain").status, 202);
  EXPECT_EQ(health_.drains(), 1);
  const Reply ready = Get(port(), "/readyz?verbose");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.body, "[+] alive\n[-] draining\n[-] not ready\n");
}

TEST_F(AdminTest, TellsInPlainWordsThatAPageIsNone) {
  const Reply reply = Get(port(), "/favicon.ico");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.body, "there is no such page; / lists those that there are\n");
}

TEST_F(AdminTest, OutlivesWhatStrangersSend) {
  http::Exchange(port(), "GARBAGE\r\n\r\n");
  EXPECT_EQ(Ask(port(), "GET", "/", "X-Large: " + std::string(100'000, 'x') + "\r\n").status, 431);
  EXPECT_EQ(Ask(port(), "POST", "/drain", {}, std::string(100'000, 'x')).status, 413);
  EXPECT_EQ(health_.drains(), 0) << "a request that was refused starts nothing";
  EXPECT_EQ(Get(port(), "/livez").status, 200);
}

TEST_F(AdminTest, AnswersProbesWhileSlowClientsSit) {
  RawConnection half(port());
  half.Send("GET /metr");
  EXPECT_EQ(Get(port(), "/livez").status, 200);
  EXPECT_THAT(half.ReadToEnd(), IsEmpty());
}

TEST_F(AdminTest, AnswersTwoHundredConnections) {
  std::vector<std::unique_ptr<RawConnection>> connections;
  for (int i = 0; i < 200; ++i) {
    connections.push_back(std::make_unique<RawConnection>(port()));
    connections.back()->Send("GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  }
  for (const auto& connection : connections) {
    EXPECT_THAT(connection->ReadToEnd(), StartsWith("HTTP/1.1 200"));
  }
}

TEST_F(AdminTest, IsScrapedWhileSeriesComeAndGo) {
  std::jthread links([this] {
    for (int i = 0; i < 300; ++i) {
      registry_.Remove(
          registry_.AddGauge("postern_link_open_lanes", "Lanes.", {{"peer", std::to_string(i)}}));
    }
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Get(port(), "/metrics").status, 200);
}

}  // namespace
}  // namespace postern::admin
