#include "lib/pki/tls_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <utility>

#include "lib/base/testing/matchers.h"
#include "lib/pki/event.h"
#include "lib/pki/testing/test_authority.h"
#include "lib/pki/verify.h"

namespace postern::pki {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using base::IsOk;
using base::Result;

struct Pair {
  TlsSession client;
  TlsSession server;
  std::string to_server = {};
  std::string to_client = {};
};

// Carries bytes between both in pieces of `piece` until both are done. The first failure wins.
base::Status Shake(Pair& pair, std::size_t piece = std::string::npos) {
  bool client_done = false;
  bool server_done = false;
  const auto step = [piece](TlsSession& session, std::string& in, std::string& out, bool& done) {
    std::string_view some = std::string_view(in).substr(0, piece);
    const std::size_t size = some.size();
    const Result<bool> result = session.Handshake(some, out);
    in.erase(0, size - some.size());
    done = result && *result;
    return result ? base::Status() : base::Status(result.error());
  };
  for (int turn = 0; turn < 20000 && !(client_done && server_done); ++turn) {
    if (!client_done) {
      RETURN_IF_ERROR(step(pair.client, pair.to_client, pair.to_server, client_done));
    }
    if (!server_done) {
      RETURN_IF_ERROR(step(pair.server, pair.to_server, pair.to_client, server_done));
    }
  }
  if (client_done && server_done) return {};
  return base::Fail(Code::kTimeout, "the handshake came to nothing");
}

// Reads until more is needed, with a buffer of `room`.
Result<std::string> ReadAll(TlsSession& session, std::string_view ciphertext,
                            std::size_t room = 16384) {
  std::string plain;
  std::vector<char> buffer(room);
  while (true) {
    ASSIGN_OR_RETURN(const std::size_t got, session.Read(ciphertext, buffer));
    if (got == 0) return plain;
    plain.append(buffer.data(), got);
  }
}

class TlsSessionTest : public testing::Test {
 protected:
  Pair Mutual() {
    return {TlsSession(*TlsContext::Client(gateway_), "ms1.example"),
            TlsSession(*TlsContext::Server(parent_), "")};
  }
  Pair Established() {
    Pair pair = Mutual();
    EXPECT_THAT(Shake(pair), IsOk());
    return pair;
  }

  const TestAuthority ca_;
  const Credentials gateway_ = ca_.MakeMember("gw1.example");
  const Credentials parent_ = ca_.MakeMember("ms1.example");
};

TEST_F(TlsSessionTest, ShowsEachSideTheOthersCertificate) {
  const Pair pair = Established();
  EXPECT_THAT(VerifyPeer(pair.client.PeerChain(), ca_.trust(), {.host = "ms1.example"}, ca_.now()),
              IsOk());
  EXPECT_THAT(VerifyPeer(pair.server.PeerChain(), ca_.trust(), {.host = "gw1.example"}, ca_.now()),
              IsOk());
}

TEST_F(TlsSessionTest, HandsOverTheWholeChainOnBothSides) {
  const Credentials long_chain = ca_.MakeFlawed("gw1", Flaw::kPathTooLong);
  Pair pair{TlsSession(*TlsContext::Client(long_chain), ""),
            TlsSession(*TlsContext::Server(long_chain), "")};
  ASSERT_THAT(Shake(pair), IsOk());
  EXPECT_EQ(pair.client.PeerChain(), long_chain.chain);
  EXPECT_EQ(pair.server.PeerChain(), long_chain.chain);
}

TEST_F(TlsSessionTest, GetsThroughByteByByte) {
  Pair pair = Mutual();
  EXPECT_THAT(Shake(pair, 1), IsOk());
}

TEST_F(TlsSessionTest, ServesClientsWithoutACertificate) {
  Pair pair{TlsSession(*TlsContext::ClientWithoutCertificate(), "ms1.example"),
            TlsSession(*TlsContext::Server(parent_), "")};
  ASSERT_THAT(Shake(pair), IsOk());
  EXPECT_FALSE(pair.server.has_peer_certificate());
  EXPECT_TRUE(pair.server.PeerChain().empty());
  EXPECT_TRUE(pair.client.has_peer_certificate());
}

// The reason must reach the peer as a sentence, so TLS itself lets the wrong ones in.
TEST_F(TlsSessionTest, LeavesEveryVerdictToVerifyPeer) {
  for (const Flaw flaw : {Flaw::kExpired, Flaw::kSelfSigned, Flaw::kNoClientUsage,
                          Flaw::kOtherAuthority, Flaw::kNoDigitalSignature}) {
    const Credentials wrong = ca_.MakeFlawed("gw1.example", flaw);
    Pair pair{TlsSession(*TlsContext::Client(wrong), ""),
              TlsSession(*TlsContext::Server(wrong), "")};
    EXPECT_THAT(Shake(pair), IsOk()) << static_cast<int>(flaw);
    EXPECT_FALSE(VerifyPeer(pair.server.PeerChain(), ca_.trust(), {}, ca_.now()));
  }
}

TEST_F(TlsSessionTest, CarriesBytesBothWays) {
  Pair pair = Established();
  std::string wire;
  ASSERT_THAT(pair.client.Write("to the server", wire), IsOk());
  EXPECT_EQ(*ReadAll(pair.server, pair.to_server + wire), "to the server");
  wire.clear();
  ASSERT_THAT(pair.server.Write("to the client", wire), IsOk());
  EXPECT_EQ(*ReadAll(pair.client, pair.to_client + wire), "to the client");
}

TEST_F(TlsSessionTest, CarriesMuchWithBuffersOfAnySize) {
  Pair pair = Established();
  std::string text;
  for (int i = 0; text.size() < 300000; ++i) text += std::to_string(i);
  for (const std::size_t room : {100UL, 16384UL, 1000000UL}) {
    std::string wire;
    ASSERT_THAT(pair.client.Write(text, wire), IsOk());
    EXPECT_EQ(*ReadAll(pair.server, wire, room), text) << room;
  }
}

TEST_F(TlsSessionTest, KeepsPartsOfARecordUntilTheRestComes) {
  Pair pair = Established();
  std::string wire;
  ASSERT_THAT(pair.client.Write("hello", wire), IsOk());
  std::string plain;
  for (const char byte : wire) plain += *ReadAll(pair.server, std::string_view(&byte, 1));
  EXPECT_EQ(plain, "hello");
}

TEST_F(TlsSessionTest, MovesWithItsConnection) {
  Pair pair = Established();
  TlsSession moved = std::move(pair.server);
  std::string wire;
  ASSERT_THAT(pair.client.Write("hello", wire), IsOk());
  EXPECT_EQ(*ReadAll(moved, wire), "hello");
}

TEST_F(TlsSessionTest, TellsThatThePeerClosed) {
  Pair pair = Established();
  std::string wire;
  ASSERT_THAT(pair.client.Write("last words", wire), IsOk());
  pair.client.Close(wire);
  std::array<char, 100> buffer{};
  std::string_view in = wire;
  EXPECT_EQ(*pair.server.Read(in, buffer), 10U);
  EXPECT_THAT(pair.server.Read(in, buffer), HasCode(Code::kUnavailable));
  EXPECT_THAT(pair.server.Read(in, buffer), FailsWith("the peer closed the session"));
  EXPECT_THAT(pair.client.Write("more", wire), HasCode(Code::kUnavailable));
}

TEST_F(TlsSessionTest, AnswersDamageWithAnAlert) {
  Pair pair = Established();
  std::string wire;
  ASSERT_THAT(pair.client.Write("hello", wire), IsOk());
  wire.back() = static_cast<char>(wire.back() ^ 1);
  EXPECT_THAT(ReadAll(pair.server, wire), HasCode(Code::kCorrupt));
  EXPECT_THAT(pair.server.Write("more", wire), HasCode(Code::kCorrupt));
  std::string alert;
  pair.server.Close(alert);
  EXPECT_THAT(ReadAll(pair.client, alert), FailsWith("the peer ended the session"));
}

TEST_F(TlsSessionTest, RefusesAPeerOfAnotherProtocol) {
  for (const char* hello : {"GET / HTTP/1.1\r\nHost: gw1\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"}) {
    TlsSession server(*TlsContext::Server(parent_), "");
    std::string_view in = hello;
    std::string out;
    const Result<bool> result = server.Handshake(in, out);
    ASSERT_THAT(result, HasCode(Code::kCorrupt)) << hello;
    EXPECT_EQ(result.error().event(), event::kHandshakeFailed);
    EXPECT_THAT(server.Handshake(in, out), HasCode(Code::kCorrupt));
  }
}

TEST_F(TlsSessionTest, RefusesClientsThatSpeakLessThanOurProtocol) {
  struct Case {
    const char* when;
    void (*spoil)(SSL_CTX*);
  };
  const Case cases[] = {
      {"it names no protocol",
       [](SSL_CTX* context) { SSL_CTX_set_alpn_protos(context, nullptr, 0); }},
      {"it wants HTTP/1.1",
       [](SSL_CTX* context) {
         constexpr unsigned char kHttp1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
         SSL_CTX_set_alpn_protos(context, kHttp1, sizeof(kHttp1));
       }},
      {"it stops at TLS 1.2",
       [](SSL_CTX* context) {
         SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
         SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
       }},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.when);
    const TlsContext old = *TlsContext::Client(gateway_);
    row.spoil(old.native());
    Pair pair{TlsSession(old, ""), TlsSession(*TlsContext::Server(parent_), "")};
    const base::Status refused = Shake(pair);
    ASSERT_THAT(refused, HasCode(Code::kCorrupt));
    EXPECT_EQ(refused.error().event(), event::kHandshakeFailed);
    std::string_view alert = pair.to_client;
    const Result<bool> told = pair.client.Handshake(alert, pair.to_server);
    EXPECT_THAT(told, FailsWith("the peer ended the session"));
    EXPECT_THAT(told, HasCode(Code::kDenied));
  }
}

TEST_F(TlsSessionTest, IsNotBlamedForWhatOthersLeftInTheErrorQueue) {
  Pair pair = Established();
  std::string wire;
  ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
  ASSERT_THAT(pair.client.Write("hello", wire), IsOk());
  ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
  EXPECT_THAT(ReadAll(pair.server, wire), IsOk());
}

TEST_F(TlsSessionTest, LeavesNoErrorBehindForTheNextSession) {
  Pair pair = Established();
  TlsSession other(*TlsContext::Server(parent_), "");
  std::string_view nonsense = "nonsense";
  std::string out;
  EXPECT_FALSE(other.Handshake(nonsense, out));
  EXPECT_EQ(ERR_peek_error(), 0U);
  std::string wire;
  ASSERT_THAT(pair.client.Write("hello", wire), IsOk());
  EXPECT_EQ(*ReadAll(pair.server, wire), "hello");
}

TEST_F(TlsSessionTest, NeedsACertificateToServe) {
  EXPECT_THAT(TlsContext::Server({}), FailsWith("no certificate"));
  EXPECT_THAT(TlsContext::Server(ca_.MakeFlawed("gw1", Flaw::kWrongKey)),
              FailsWith("private key is missing"));
}

}  // namespace
}  // namespace postern::pki
