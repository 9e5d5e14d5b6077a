// Certificates that are wrong, each in its way: seen by their owner, by the parent, by the child.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "lib/base/testing/matchers.h"
#include "lib/http2/testing/raw_frames.h"
#include "lib/pki/tls_context.h"
#include "tests/integration/raw_peer.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"

namespace postern::integration {
namespace {

using base::IsOk;
using base::IsOkAndHolds;
using pki::Flaw;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

struct Wrong {
  const char* what;
  Flaw flaw;
  int event;
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.what; }

constexpr Wrong kWrongs[] = {
    {"Expired", Flaw::kExpired, 20049},
    {"NotYetValid", Flaw::kNotYetValid, 20049},
    {"NoServerUsage", Flaw::kNoServerUsage, 20050},
    {"NoClientUsage", Flaw::kNoClientUsage, 20050},
    {"NoExtendedUsage", Flaw::kNoExtendedUsage, 20050},
    {"WrongCommonName", Flaw::kWrongCommonName, 20052},
    {"HostNotInDnsNames", Flaw::kHostNotInDnsNames, 20052},
    {"NoName", Flaw::kNoName, 20052},
    {"NulInName", Flaw::kNulInName, 20052},
    {"Wildcard", Flaw::kWildcard, 20052},
    {"WeakRsa", Flaw::kWeakRsa, 61006},
    {"OddRsa", Flaw::kOddRsa, 20069},
    {"OddCurve", Flaw::kOddCurve, 20069},
    {"Ed25519", Flaw::kEd25519, 20069},
    {"Sha1Signature", Flaw::kSha1Signature, 61006},
    {"NoDigitalSignature", Flaw::kNoDigitalSignature, 20069},
    {"NoKeyEncipherment", Flaw::kNoKeyEncipherment, 20069},
    {"CaAsLeaf", Flaw::kCaAsLeaf, 20069},
    {"SelfSigned", Flaw::kSelfSigned, 20072},
    {"OtherAuthority", Flaw::kOtherAuthority, 20072},
    {"SiblingAuthority", Flaw::kSiblingAuthority, 20072},
    {"PathTooLong", Flaw::kPathTooLong, 20072},
    {"ExpiredIntermediate", Flaw::kExpiredIntermediate, 20072},
    {"NotACaAbove", Flaw::kNotACaAbove, 20072},
    {"WrongKey", Flaw::kWrongKey, 20068},
};

std::string NameOf(const testing::TestParamInfo<Wrong>& wrong) { return wrong.param.what; }
std::string EventOf(int event) { return "event=" + std::to_string(event); }

// Whether a peer can meet it: OpenSSL does not load some, and TLS has no signature for others.
bool MayBeShown(const Wrong& wrong) {
  constexpr std::array kNever = {Flaw::kWrongKey, Flaw::kWeakRsa, Flaw::kSha1Signature,
                                 Flaw::kOddCurve, Flaw::kEd25519};
  return std::find(kNever.begin(), kNever.end(), wrong.flaw) == kNever.end();
}
std::vector<Wrong> Showable() {
  std::vector<Wrong> shown;
  std::copy_if(std::begin(kWrongs), std::end(kWrongs), std::back_inserter(shown), MayBeShown);
  return shown;
}

// === seen by their owner ===

class OwnCertificate : public testing::TestWithParam<Wrong> {};

TEST_P(OwnCertificate, EndsARelayOfEachKindWithItsEvent) {
  Topology topology({});
  const pki::TestAuthority& ca = topology.authority();
  ASSERT_THAT(topology.StartServer(), IsOk());
  topology.gateway().SetIdentity(ca.MakeFlawed("gw1.example", GetParam().flaw));
  topology.server().SetIdentity(ca.MakeFlawed("ms1.example", GetParam().flaw));
  for (Relay* relay : {&topology.gateway(), &topology.server()}) {
    POSTERN_ASSERT_OK_AND_ASSIGN(const Relay::End end, relay->RunToEnd());
    EXPECT_EQ(end.exit.code, 78);
    EXPECT_THAT(end.said, AllOf(HasSubstr("cannot start"), HasSubstr(EventOf(GetParam().event)),
                                HasSubstr("own.crt")));
  }
}

INSTANTIATE_TEST_SUITE_P(That, OwnCertificate, testing::ValuesIn(kWrongs), NameOf);

// === seen by the parent ===

class ChildsCertificate : public testing::Test {
 protected:
  // What a child that shows `own` is told when it asks for a lane.
  static std::string ToldTo(const pki::Credentials& own, std::uint16_t port) {
    base::Result<RawPeer> peer = RawPeer::Connect(port);
    const base::Result<pki::TlsContext> context = pki::TlsContext::Client(own);
    if (!peer || !context) return "nobody to ask";
    if (const base::Status open = peer->Handshake(*context); !open) return open.error().message();
    constexpr std::array kHeaders = {http2::Field{":method", "POST", true},
                                     http2::Field{":scheme", "https", true},
                                     http2::Field{":path", "/postern.v1.Link/Control", true},
                                     http2::Field{":authority", "ms1.example", true}};
    const auto answer = Ask(*peer, kHeaders, "");
    const auto message = answer.find("grpc-message");
    if (message != answer.end()) return message->second;
    return "nothing";
  }
};

TEST_F(ChildsCertificate, IsRefusedWithItsEventAndASentence) {
  Topology topology({});
  ASSERT_THAT(topology.StartServer(), IsOk());
  for (const Wrong& wrong : Showable()) {
    SCOPED_TRACE(wrong.what);
    const std::string told = ToldTo(topology.authority().MakeFlawed("gw1.example", wrong.flaw),
                                    topology.server().Port("link"));
    // A parent expects no name: a good one that it does not know is not registered.
    const int event = wrong.flaw == Flaw::kWrongCommonName ? 20000 : wrong.event;
    EXPECT_THAT(topology.server().process().WaitForLine("child's link ended", kSoon),
                IsOkAndHolds(HasSubstr(EventOf(event))));
    // A stranger is not told what we look for.
    const bool stranger = event == 20072;
    EXPECT_THAT(told, testing::StartsWith(stranger ? "20002 NotAuthenticated: not authenticated"
                                                   : std::to_string(event) + " "));
  }
  ASSERT_THAT(topology.StartGateway(), IsOk());
  EXPECT_TRUE(topology.Linked()) << "all is well again";
}

// === seen by the child ===

class ParentsCertificate : public testing::TestWithParam<Wrong> {
 protected:
  // A false parent learns nothing: HTTP/2 may be greeted, but no lane is opened.
  static void ExpectNoLane(RawPeer& child) {
    std::string said;
    while (!child.ended()) said += child.Read(kSoon);
    for (std::size_t at = http2::raw::Preface().size(); at + 9 <= said.size();) {
      const auto byte = [&](std::size_t n) { return static_cast<std::uint8_t>(said[at + n]); };
      EXPECT_THAT(byte(3), AnyOf(http2::raw::kSettings, http2::raw::kWindowUpdate));
      at += 9U + (byte(0) << 16U | byte(1) << 8U | byte(2));
    }
  }
};

TEST_P(ParentsCertificate, IsRefusedWithItsEventAndTheRightOneIsTakenAfterIt) {
  Topology topology({});
  ASSERT_THAT(topology.StartServer(), IsOk());
  POSTERN_ASSERT_OK_AND_ASSIGN(const net::SocketAddress any,
                               net::SocketAddress::FromIp("127.0.0.1", 0));
  POSTERN_ASSERT_OK_AND_ASSIGN(net::Fd impostor, net::Listen(any));
  const pki::Credentials flawed = topology.authority().MakeFlawed("ms1.example", GetParam().flaw);
  POSTERN_ASSERT_OK_AND_ASSIGN(const pki::TlsContext context, pki::TlsContext::Server(flawed));
  topology.gate().Retarget(net::SocketAddress::LocalOf(impostor.get()).port());
  ASSERT_THAT(topology.StartGateway(), IsOk());
  POSTERN_ASSERT_OK_AND_ASSIGN(RawPeer child, RawPeer::Accept(impostor));
  impostor = net::Fd();  // or the next try would wait in its backlog
  ASSERT_THAT(child.Handshake(context), IsOk());
  ExpectNoLane(child);
  EXPECT_THAT(topology.gateway().process().WaitForLine("no link to a parent", kSoon),
              IsOkAndHolds(AllOf(HasSubstr(EventOf(GetParam().event)), HasSubstr("parent ms1"))));
  EXPECT_FALSE(topology.gateway().Ready());

  topology.gate().Retarget(topology.server().Port("link"));
  EXPECT_TRUE(topology.Linked()) << "all is well again";
}

INSTANTIATE_TEST_SUITE_P(That, ParentsCertificate, testing::ValuesIn(Showable()), NameOf);

// === two relays that do not fit together, mended by files alone ===

class Pair : public testing::Test {
 protected:
  Relay& gateway() { return topology_.gateway(); }
  Relay& server() { return topology_.server(); }
  static void ExpectSaid(Relay& relay, std::string_view text) {
    EXPECT_THAT(relay.process().WaitForLine(text, kSoon), IsOk());
  }

  Topology topology_{{}};
  const pki::TestAuthority other_{"other CA"};
  const pki::Certificate root_ = topology_.authority().authority().certificate();
  const pki::Certificate other_root_ = other_.authority().certificate();
};

TEST_F(Pair, WhoseParentDoesNotKnowTheChildsCaLinksOnceItDoes) {
  gateway().SetRoots({root_, other_root_});
  gateway().SetIdentity(other_.MakeMember("gw1.example"));
  ASSERT_THAT(topology_.Start(), IsOk());
  ExpectSaid(server(), "event=20072");
  ExpectSaid(gateway(), "20002 NotAuthenticated: not authenticated");
  server().SetRoots({root_, other_root_});
  EXPECT_TRUE(topology_.Linked());
}

TEST_F(Pair, WhoseChildDoesNotKnowTheParentsCaLinksOnceItDoes) {
  server().SetRoots({root_, other_root_});
  server().SetIdentity(other_.MakeMember("ms1.example"));
  ASSERT_THAT(topology_.Start(), IsOk());
  ExpectSaid(gateway(), "event=20072");
  EXPECT_FALSE(gateway().Ready());
  gateway().SetRoots({root_, other_root_});
  EXPECT_TRUE(topology_.Linked());
}

TEST_F(Pair, ThatSharesNoTrustLinksOnceItDoes) {
  gateway().SetRoots({other_root_});
  gateway().SetIdentity(other_.MakeMember("gw1.example"));
  ASSERT_THAT(topology_.Start(), IsOk());
  ExpectSaid(gateway(), "event=20072");
  ExpectSaid(server(), "event=20072");
  gateway().SetRoots({root_});
  gateway().SetIdentity(topology_.authority().MakeMember("gw1.example"));
  EXPECT_TRUE(topology_.Linked());
}

// A certificate that ends while its link is up.
class Ending : public Pair {
 protected:
  pki::Credentials ShortLived(const std::string& host) const {
    auto key = pki::PrivateKey::Generate(pki::KeyType::kEcdsaP256);
    auto leaf = topology_.authority().authority().Issue(
        {.host = host, .key = key->public_key(), .duration = std::chrono::seconds(4)},
        std::chrono::system_clock::now());
    return {.chain = {*std::move(leaf)}, .key = *std::move(key)};
  }
};

TEST_F(Ending, OfTheChildCutsTheLinkUntilItIsRenewed) {
  ASSERT_THAT(topology_.StartServer(), IsOk());
  gateway().SetIdentity(ShortLived("gw1.example"));
  ASSERT_THAT(topology_.StartGateway(), IsOk());
  ASSERT_TRUE(topology_.Linked());
  ExpectSaid(server(), "event=20049");
  ExpectSaid(gateway(), "20049 NotCurrentlyValid: ");
  EXPECT_TRUE(support::Eventually([this] { return !gateway().Ready(); }, kSoon));
  gateway().SetIdentity(topology_.authority().MakeMember("gw1.example"));
  EXPECT_TRUE(topology_.Linked());
}

TEST_F(Ending, OfTheParentCutsTheLinkUntilItIsRenewed) {
  server().SetIdentity(ShortLived("ms1.example"));
  ASSERT_THAT(topology_.Start(), IsOk());
  ASSERT_TRUE(topology_.Linked());
  ExpectSaid(gateway(), "event=20049");
  server().SetIdentity(topology_.authority().MakeMember("ms1.example"));
  EXPECT_TRUE(topology_.Linked());
}

}  // namespace
}  // namespace postern::integration
