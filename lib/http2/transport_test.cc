#include "lib/http2/transport.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/testing/matchers.h"
#include "lib/http2/testing/exchange.h"
#include "lib/http2/testing/raw_frames.h"
#include "lib/net/testing/loopback.h"
#include "lib/pki/testing/test_authority.h"

namespace postern::http2 {
namespace {

using base::Code;
using base::Error;

constexpr std::array<Field, 4> kRequest = {
    Field{":method", "POST", true}, Field{":scheme", "https", true},
    Field{":authority", "ms1.example", true}, Field{":path", "/x", true}};

std::unique_ptr<pki::TlsSession> Tls(bool server) {
  static const pki::TestAuthority ca;
  static const auto parent = *pki::TlsContext::Server(ca.MakeMember("ms1.example"));
  static const auto child = *pki::TlsContext::Client(ca.MakeMember("gw1.example"));
  return std::make_unique<pki::TlsSession>(server ? parent : child, "");
}

class TransportTest : public testing::TestWithParam<bool> {
 protected:
  void TearDown() override {
    client_.reset();
    server_.reset();
  }

  std::unique_ptr<Transport> Make(net::Fd socket, std::unique_ptr<Session> session, bool server,
                                  std::optional<Error>& closed) {
    return std::make_unique<Transport>(
        net_.loop(), std::move(socket), GetParam() ? Tls(server) : nullptr, scratch_,
        std::move(session),
        Transport::Hooks{.on_open =
                             [this, server] {
                               if (!server) client_->Flush();
                             },
                         .on_closed = [&closed](const Error& why) { closed = why; }});
  }

  net::Fd Serve(Exchange::Plan plan) {
    auto [dialled, accepted] = net::Loopback::Connect();
    auto session = std::make_unique<Session>(Session::Role::kServer, Session::Options{},
                                             [this, plan]() mutable {
                                               plan.session = &server_->session();
                                               return std::make_unique<Exchange>(served_, plan);
                                             });
    server_ = Make(std::move(accepted), std::move(session), true, server_closed_);
    server_->Start();
    return std::move(dialled);
  }
  // Connects both and asks once.
  void Ask(Exchange::Plan answer, Exchange::Plan question) {
    net::Fd socket = Serve(std::move(answer));
    client_ = Make(std::move(socket),
                   std::make_unique<Session>(Session::Role::kClient, Session::Options{}, nullptr),
                   false, client_closed_);
    client_->Start();
    question.session = &client_->session();
    auto stream = std::make_unique<Exchange>(asked_, question);
    asking_ = stream.get();
    ASSERT_THAT(client_->session().Request(std::move(stream), kRequest, true), base::IsOk());
    client_->Flush();
  }

  net::Loopback net_;
  net::Scratch scratch_;
  Exchange::Seen served_;
  Exchange::Seen asked_;
  Exchange* asking_ = nullptr;
  std::optional<Error> client_closed_;
  std::optional<Error> server_closed_;
  std::unique_ptr<Transport> server_;
  std::unique_ptr<Transport> client_;
};
INSTANTIATE_TEST_SUITE_P(Http2, TransportTest, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Tls" : "Plain"; });

TEST_P(TransportTest, CarriesALargeQuestionAndAnswer) {
  Ask({.body = std::string(3'000'000, 'a')}, {.body = std::string(3'000'000, 'q')});
  ASSERT_TRUE(net_.RunUntil([this] { return asked_.closed && served_.closed; }));
  EXPECT_EQ(served_.body, std::string(3'000'000, 'q'));
  EXPECT_EQ(asked_.body, std::string(3'000'000, 'a'));
  EXPECT_FALSE(client_closed_ || server_closed_) << "the connection stays";
}

TEST_P(TransportTest, ClosesOnceASessionThatSaidGoodbyeIsDone) {
  Ask({.body = "a"}, {.body = "q", .waits = true});
  ASSERT_TRUE(net_.RunUntil([this] { return served_.body == "q"; }));
  server_->session().GoAway();
  server_->Flush();
  ASSERT_TRUE(net_.RunUntil([this] { return client_->session().peer_is_leaving(); }));
  EXPECT_FALSE(server_closed_);
  asking_->End();
  client_->Flush();
  ASSERT_TRUE(net_.RunUntil([this] { return server_closed_ && client_closed_; }));
  EXPECT_EQ(asked_.body, "a");
  EXPECT_EQ(asked_.closed, ErrorCode::kNoError);
}

TEST_P(TransportTest, ClosesItsStreamsWhenItGoes) {
  Ask({}, {.body = "q", .waits = true});
  ASSERT_TRUE(net_.RunUntil([this] { return served_.body == "q"; }));
  client_.reset();
  EXPECT_EQ(asked_.closed, ErrorCode::kCancel);
  ASSERT_TRUE(net_.RunUntil([this] { return server_closed_.has_value(); }));
  EXPECT_FALSE(served_.closed) << "streams end with their session";
  server_.reset();
  EXPECT_EQ(served_.closed, ErrorCode::kCancel);
}

using PlainTransport = TransportTest;
INSTANTIATE_TEST_SUITE_P(Http2, PlainTransport, testing::Values(false),
                         [](const auto&) { return "Plain"; });

TEST_P(PlainTransport, TellsHowThePeerBrokeTheProtocol) {
  const std::string cases[] = {
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      raw::Hello() + raw::Frame(raw::kData, 0, 0, "x"),
      raw::Hello() + raw::Frame(raw::kSettings, 0, 0, "12345"),
  };
  for (const std::string& bytes : cases) {
    server_closed_.reset();
    const net::Fd raw = Serve({});
    ASSERT_EQ(send(raw.get(), bytes.data(), bytes.size(), 0), std::ssize(bytes));
    ASSERT_TRUE(net_.RunUntil([this] { return server_closed_.has_value(); }));
    EXPECT_EQ(server_closed_->code(), Code::kInvalid) << *server_closed_;
  }
}

}  // namespace
}  // namespace postern::http2
