#include "lib/net/connection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/testing/matchers.h"
#include "lib/net/testing/loopback.h"
#include "lib/pki/event.h"
#include "lib/pki/testing/test_authority.h"

namespace postern::net {
namespace {

using base::Code;
using base::Error;
using base::Fail;

// One end: keeps what came and sends what it was given.
struct End final : Connection::User {
  void OnOpen() override {
    opened = true;
    if (on_open) on_open();
  }
  void OnBytes(std::string_view bytes) override {
    received += bytes;
    if (on_bytes) on_bytes();
  }
  void OnFill(std::string& out, std::size_t most) override {
    const std::string_view part = std::string_view(to_send).substr(sent, most);
    out += part;
    sent += part.size();
  }
  void OnClosed(const Error& why) override {
    EXPECT_FALSE(closed) << "the last call comes once";
    closed = why;
  }

  std::string to_send;
  std::size_t sent = 0;
  std::string received;
  bool opened = false;
  std::optional<Error> closed;
  base::Task on_open;
  base::Task on_bytes;
};

// Text in which every place differs from its neighbours.
std::string Text(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < 100'000; ++i) text += std::to_string(i) + ",";
  while (text.size() < size) text += std::string(text);
  text.resize(size);
  return text;
}

const pki::TestAuthority& Authority() {
  static const pki::TestAuthority ca;
  return ca;
}

std::unique_ptr<pki::TlsSession> ServerTls() {
  static const auto context = *pki::TlsContext::Server(Authority().MakeMember("ms1.example"));
  return std::make_unique<pki::TlsSession>(context, "");
}

std::unique_ptr<pki::TlsSession> ClientTls() {
  static const auto context = *pki::TlsContext::Client(Authority().MakeMember("gw1.example"));
  return std::make_unique<pki::TlsSession>(context, "ms1.example");
}

void Reset(Fd& socket) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  const Fd gone = std::move(socket);
}

// Everything that arrived at a raw socket.
std::string Drain(const Fd& socket) {
  std::string all;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 1; size > 0;) {
    size = recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) all.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return all;
}

class ConnectionTest : public testing::Test {
 protected:
  // Both ends are connections.
  void Link(bool tls) {
    auto [dialled, accepted] = Loopback::Connect();
    client_.emplace(net_.loop(), std::move(dialled), tls ? ClientTls() : nullptr, scratch_, child_);
    Serve(std::move(accepted), tls);
    client_->Start();
  }
  // The other end is a raw socket.
  Fd LinkRaw(bool tls) {
    auto [dialled, accepted] = Loopback::Connect();
    Serve(std::move(accepted), tls);
    return std::move(dialled);
  }
  void Serve(Fd socket, bool tls) {
    server_.emplace(net_.loop(), std::move(socket), tls ? ServerTls() : nullptr, scratch_, parent_);
    server_->Start();
  }
  bool RunUntilOpen() {
    return net_.RunUntil([this] { return child_.opened && parent_.opened; });
  }
  bool RunUntilClosed() {
    return net_.RunUntil([this] { return parent_.closed.has_value(); });
  }

  Loopback net_;
  Scratch scratch_;
  End child_;
  End parent_;
  std::optional<Connection> client_;
  std::optional<Connection> server_;
};

class BothKinds : public ConnectionTest, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Connection, BothKinds, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Tls" : "Plain"; });

TEST_P(BothKinds, CarriesMuchBothWays) {
  Link(GetParam());
  ASSERT_TRUE(RunUntilOpen());
  child_.to_send = Text(6'000'000);
  parent_.to_send = Text(5'000'000);
  client_->WantWrite();
  server_->WantWrite();
  EXPECT_TRUE(net_.RunUntil([&] {
    return parent_.received.size() == child_.to_send.size() &&
           child_.received.size() == parent_.to_send.size();
  }));
  EXPECT_TRUE(parent_.received == child_.to_send);
  EXPECT_TRUE(child_.received == parent_.to_send);
  EXPECT_GE(client_->bytes_sent(), child_.to_send.size());
  EXPECT_EQ(client_->bytes_sent(), server_->bytes_received());
}

TEST_F(ConnectionTest, PeerThatDoesNotReadHoldsItUp) {
  Fd raw = LinkRaw(false);
  parent_.to_send = Text(16'000'000);
  server_->WantWrite();
  net_.Settle(50);
  EXPECT_TRUE(server_->congested());
  EXPECT_LT(parent_.sent, parent_.to_send.size()) << "what nobody takes is not even asked for";
  std::string received;
  EXPECT_TRUE(net_.RunUntil([&] {
    received += Drain(raw);
    return received.size() == parent_.to_send.size();
  }));
  EXPECT_TRUE(received == parent_.to_send);
}

TEST_P(BothKinds, SendsItsLastWordsBeforeItCloses) {
  Link(GetParam());
  ASSERT_TRUE(RunUntilOpen());
  child_.to_send = "the reason is this";
  client_->Close(Fail(Code::kDenied, "not of our group"));
  EXPECT_FALSE(client_->open());
  EXPECT_FALSE(child_.closed) << "OnClosed comes from a task";
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(parent_.received, "the reason is this");
  EXPECT_EQ(child_.closed, Fail(Code::kDenied, "not of our group"));
  EXPECT_EQ(parent_.closed->code(), Code::kUnavailable);
  EXPECT_NE(parent_.closed->message().find("closed"), std::string::npos) << *parent_.closed;
}

TEST_F(ConnectionTest, ClosesWithMoreToSendThanThePeerTakes) {
  Fd raw = LinkRaw(false);
  parent_.to_send = Text(16'000'000);
  server_->WantWrite();
  net_.Settle();
  server_->Close(Fail(Code::kCancelled, "enough"));
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_TRUE(std::string_view(parent_.to_send).starts_with(Drain(raw)));
}

TEST_P(BothKinds, MayCloseFromItsOwnCalls) {
  Link(GetParam());
  parent_.on_open = [this] { server_->Close(Fail(Code::kDenied, "refused")); };
  child_.on_open = [this] { client_->WantWrite(); };
  child_.to_send = "hello";
  if (parent_.opened) parent_.on_open();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(parent_.received, "") << "a peer that was refused is not heard";
  EXPECT_EQ(parent_.closed, Fail(Code::kDenied, "refused"));
}

TEST_P(BothKinds, IsHarmlessOnceClosed) {
  Link(GetParam());
  ASSERT_TRUE(RunUntilOpen());
  parent_.on_bytes = [this] {
    server_->Close(Fail(Code::kInvalid, "first"));
    server_->Close(Fail(Code::kInvalid, "second"));
    server_->WantWrite();
  };
  child_.to_send = Text(2'000'000);
  client_->WantWrite();
  ASSERT_TRUE(RunUntilClosed());
  server_->WantWrite();
  server_->Close(Fail(Code::kInvalid, "third"));
  net_.Settle();
  EXPECT_EQ(parent_.closed->message(), "first");
  EXPECT_LT(parent_.received.size(), child_.to_send.size());
}

TEST_P(BothKinds, SaysNothingOnceDestroyed) {
  Link(GetParam());
  ASSERT_TRUE(RunUntilOpen());
  child_.to_send = "never sent";
  client_->WantWrite();
  client_->Close(Fail(Code::kCancelled, "gone"));
  client_.reset();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_FALSE(child_.closed);
  EXPECT_EQ(parent_.received, "");
}

TEST_P(BothKinds, TellsOfAReset) {
  Link(GetParam());
  ASSERT_TRUE(RunUntilOpen());
  client_.reset();
  child_ = {};
  Fd raw = LinkRaw(false);
  Reset(raw);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(parent_.closed->code(), Code::kUnavailable);
}

TEST_F(ConnectionTest, RefusesGarbageInPlaceOfTls) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view garbage :
       {"GET / HTTP/1.1\r\nHost: gw1\r\n\r\n"sv, "\x16\x03\x01\x00\x05hello"sv}) {
    parent_ = {};
    const Fd raw = LinkRaw(true);
    ASSERT_EQ(send(raw.get(), garbage.data(), garbage.size(), 0), std::ssize(garbage));
    ASSERT_TRUE(RunUntilClosed());
    EXPECT_EQ(parent_.closed->code(), Code::kCorrupt);
    EXPECT_EQ(parent_.closed->event(), pki::event::kHandshakeFailed);
    EXPECT_FALSE(parent_.opened);
    // OpenSSL has no alert for HTTP, but one for who at least tried to speak TLS.
    EXPECT_EQ(Drain(raw).substr(0, 1), garbage.starts_with("GET") ? "" : "\x15");
  }
}

TEST_F(ConnectionTest, EndsWithAHandshakeThatIsCutOff) {
  Fd raw = LinkRaw(true);
  std::string hello;
  std::string_view nothing;
  ASSERT_TRUE(ClientTls()->Handshake(nothing, hello));
  ASSERT_GT(send(raw.get(), hello.data(), hello.size() / 2, 0), 0);
  { const Fd gone = std::move(raw); }
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(parent_.closed->code(), Code::kUnavailable);
  EXPECT_FALSE(parent_.opened);
}

// A TLS client by hand over a raw socket.
class RawTls : public ConnectionTest {
 protected:
  void SetUp() override {
    raw_ = LinkRaw(true);
    tls_ = ClientTls();
    ASSERT_TRUE(net_.RunUntil([this] { return Shake(); }));
    ASSERT_TRUE(net_.RunUntil([this] { return parent_.opened; }));
  }
  bool Shake() {
    const std::string came = Drain(raw_);
    std::string_view in = came;
    std::string out;
    const base::Result<bool> done = tls_->Handshake(in, out);
    EXPECT_THAT(done, base::IsOk());
    send(raw_.get(), out.data(), out.size(), 0);
    return done && *done;
  }
  std::string Seal(std::string_view plain) {
    std::string sealed;
    EXPECT_THAT(tls_->Write(plain, sealed), base::IsOk());
    return sealed;
  }

  Fd raw_;
  std::unique_ptr<pki::TlsSession> tls_;
};

TEST_F(RawTls, DeliversNothingOfARecordThatIsCutOff) {
  const std::string whole = Seal("whole");
  const std::string cut = Seal("never whole");
  const std::string wire = whole + cut.substr(0, cut.size() / 2);
  ASSERT_EQ(send(raw_.get(), wire.data(), wire.size(), 0), std::ssize(wire));
  { const Fd gone = std::move(raw_); }
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(parent_.received, "whole");
  EXPECT_EQ(parent_.closed->code(), Code::kUnavailable);
}

TEST_F(RawTls, AnswersADamagedRecordWithAnAlert) {
  std::string wire = Seal("hello");
  wire.back() = static_cast<char>(wire.back() ^ 1);
  ASSERT_EQ(send(raw_.get(), wire.data(), wire.size(), 0), std::ssize(wire));
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(parent_.received, "");
  EXPECT_EQ(parent_.closed->code(), Code::kCorrupt);
  EXPECT_NE(Drain(raw_), "");
}

// The goodbye to a peer that is gone fails; that must not hide why the connection ended.
TEST_F(RawTls, KeepsTheReasonWhenNobodyHearsTheGoodbye) {
  std::string wire = Seal("hello");
  wire.back() = static_cast<char>(wire.back() ^ 1);
  ASSERT_EQ(send(raw_.get(), wire.data(), wire.size(), 0), std::ssize(wire));
  ASSERT_EQ(shutdown(raw_.get(), SHUT_RD), 0);
  { const Fd gone = std::move(raw_); }
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(parent_.closed->code(), Code::kCorrupt);
}

}  // namespace
}  // namespace postern::net
