// Peers that mean harm, against relays that run: they are cut off, and nobody else notices.
#include <gmock/gmock.h>

#include <array>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/testing/matchers.h"
#include "lib/http2/testing/raw_frames.h"
#include "lib/otlp/testing/sample.h"
#include "lib/pki/tls_context.h"
#include "tests/integration/client.h"
#include "tests/integration/raw_peer.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"

namespace postern::integration {
namespace {

namespace raw = http2::raw;
using base::IsOk;
using otlp::Signal;

// The longest bound on a silent peer is 10 s; a busy machine may be late.
constexpr base::Duration kSilenceBound = std::chrono::seconds(20);
constexpr std::uint64_t kMostGrowth = std::uint64_t{16} << 20;
constexpr int kMany = 1'000'000;

enum class Door : std::uint8_t {
  kOtlp,    // the gateway's, open to local clients
  kLink,    // the server's, before TLS
  kMember,  // the server's, with TLS and a member's certificate
};

struct Attack {
  const char* what;
  Door door;
  void (*run)(RawPeer&);
  bool may_stay = false;  // for it does no harm
};

void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.what; }

// Sends `piece` up to `times`, a thousand at once, or until the relay has had enough.
void Repeat(RawPeer& peer, const std::string& piece, int times) {
  constexpr int kAtOnce = 1000;
  std::string batch;
  for (int i = 0; i < kAtOnce; ++i) batch += piece;
  for (int sent = 0; sent < times && peer.Send(batch); sent += kAtOnce) {
  }
}

std::string Garbage() {
  std::string bytes(64 * 1024, '\0');
  std::uint32_t state = 7;
  for (char& c : bytes) c = static_cast<char>((state = state * 1'664'525 + 1'013'904'223) >> 24U);
  return bytes;
}

void SendGarbage(RawPeer& peer) { peer.Send(Garbage()); }
void SendHalfAClientHello(RawPeer& peer) {
  // A handshake record of 512 bytes with a ClientHello of 508, of which 100 come.
  peer.Send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(89, 'r'));
}
void SendPartOfAPreface(RawPeer& peer) { peer.Send(raw::Preface().substr(0, 10)); }
void SendPreface(RawPeer& peer) { peer.Send(raw::Hello()); }
void SendNothing(RawPeer&) {}
void SendOversizedFrame(RawPeer& peer) {
  peer.Send(raw::Hello() + raw::Open(1) +
            raw::Frame(raw::kData, 0, 1, std::string((1 << 24) - 1, 'x')));
}
void SendAMillionHeaders(RawPeer& peer) {
  peer.Send(raw::Hello() + raw::Frame(raw::kHeaders, 0, 1, raw::Request()));
  std::string headers;
  for (int i = 0; i < 1000; ++i) headers.append("\x00\x01x\x01y", 5);
  for (int sent = 0; sent < kMany; sent += 1000) {
    if (!peer.Send(raw::Frame(raw::kContinuation, 0, 1, headers))) return;
  }
}
void FloodWithContinuations(RawPeer& peer) {
  peer.Send(raw::Hello() + raw::Frame(raw::kHeaders, 0, 1, raw::Request()));
  Repeat(peer, raw::Frame(raw::kContinuation, 0, 1, ""), kMany);
}
void FloodWithResets(RawPeer& peer) {
  peer.Send(raw::Hello());
  std::uint32_t stream = 1;
  for (int sent = 0; sent < kMany; sent += 500) {
    std::string batch;
    for (int i = 0; i < 500; ++i, stream += 2) {
      batch += raw::Open(stream) + raw::Frame(raw::kReset, 0, stream, raw::Word(8));
    }
    if (!peer.Send(batch)) return;
  }
}
void FloodWithPings(RawPeer& peer) {
  peer.Send(raw::Hello());
  Repeat(peer, raw::Frame(raw::kPing, 0, 0, "12345678"), kMany);
}
// A lane of a link, and on it the head of a frame of 4 GiB.
void SendOversizedLaneFrame(RawPeer& peer) {
  const std::string path = "/postern.v1.Link/Control";
  const std::string request =
      std::string("\x83\x87\x04") + static_cast<char>(path.size()) + path + "\x41\x01x";
  peer.Send(raw::Hello() + raw::Frame(raw::kHeaders, raw::kEndHeaders, 1, request) +
            raw::Frame(raw::kData, 0, 1,
                       std::string("\0\xff\xff\xff\xff", 5) + Garbage().substr(0, 16'000)));
}

constexpr bool kMayStay = true;
constexpr Attack kAttacks[] = {
    {"GarbageAtTheDoor", Door::kOtlp, SendGarbage},
    {"GarbageAtTheLink", Door::kLink, SendGarbage},
    {"GarbageFromAMember", Door::kMember, SendGarbage},
    // A client may keep its connection for later, as gRPC's do.
    {"PrefaceThenSilenceAtTheDoor", Door::kOtlp, SendPreface, kMayStay},
    {"OversizedFrameAtTheDoor", Door::kOtlp, SendOversizedFrame},
    {"OversizedFrameFromAMember", Door::kMember, SendOversizedFrame},
    {"AMillionHeadersAtTheDoor", Door::kOtlp, SendAMillionHeaders},
    {"AMillionHeadersFromAMember", Door::kMember, SendAMillionHeaders},
    {"ContinuationsAtTheDoor", Door::kOtlp, FloodWithContinuations},
    {"ContinuationsFromAMember", Door::kMember, FloodWithContinuations},
    {"ResetsAtTheDoor", Door::kOtlp, FloodWithResets},
    {"PingsAtTheDoor", Door::kOtlp, FloodWithPings, kMayStay},
    {"OversizedLaneFrameFromAMember", Door::kMember, SendOversizedLaneFrame},
};

class HostilePeer : public testing::TestWithParam<Attack> {
 protected:
  void SetUp() override {
    topology_.gateway().KeepNoFreedMemory();
    topology_.server().KeepNoFreedMemory();
    ASSERT_THAT(topology_.Start(), IsOk());
    ASSERT_TRUE(topology_.Linked());
    ExpectAnOrdinaryExport();
  }

  void ExpectAnOrdinaryExport() {
    Client client(topology_.otlp_port());
    const std::string body = otlp::MakeExport(Signal::kLogs, {.records = 5, .seed = 7});
    EXPECT_EQ(client.ExportAtLast(Signal::kLogs, body).grpc_code, kGrpcOk);
  }
  // The most memory that the relay ever had: what it gave back before anybody looked counts too.
  static std::uint64_t PeakOf(Relay& relay) {
    std::ifstream status("/proc/" + std::to_string(relay.process().pid()) + "/status");
    std::string word;
    while (status >> word && word != "VmHWM:") {
    }
    std::uint64_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes * 1024;
  }
  base::Result<RawPeer> Enter(Door door) {
    ASSIGN_OR_RETURN(RawPeer peer,
                     RawPeer::Connect(door == Door::kOtlp ? topology_.otlp_port()
                                                          : topology_.server().Port("link")));
    if (door != Door::kMember) return peer;
    ASSIGN_OR_RETURN(const pki::TlsContext context,
                     pki::TlsContext::Client(topology_.authority().MakeMember("gw1.example")));
    RETURN_IF_ERROR(peer.Handshake(context));
    return peer;
  }

  Topology topology_{{}};
};

TEST_P(HostilePeer, IsCutOffAndNobodyElseNotices) {
  const Attack& attack = GetParam();
  Relay& target = attack.door == Door::kOtlp ? topology_.gateway() : topology_.server();
  const std::uint64_t before = PeakOf(target);
  ASSERT_GT(before, 0U);
  POSTERN_ASSERT_OK_AND_ASSIGN(RawPeer peer, Enter(attack.door));
  attack.run(peer);
  EXPECT_TRUE(attack.may_stay || peer.EndsWithin(kSoon));
  EXPECT_LT(PeakOf(target), before + kMostGrowth);
  ASSERT_TRUE(target.process().running()) << target.Log();
  ExpectAnOrdinaryExport();
}

INSTANTIATE_TEST_SUITE_P(With, HostilePeer, testing::ValuesIn(kAttacks),
                         [](const auto& attack) { return std::string(attack.param.what); });

constexpr Attack kSilences[] = {
    {"HalfAHandshakeThenSilence", Door::kLink, SendHalfAClientHello},
    {"SilenceAtTheLink", Door::kLink, SendNothing},
    {"SilenceOfAMember", Door::kMember, SendNothing},
    {"PrefaceThenSilenceOfAMember", Door::kMember, SendPreface},
    {"SilenceAtTheDoor", Door::kOtlp, SendNothing},
    {"PartOfAPrefaceThenSilence", Door::kOtlp, SendPartOfAPreface},
};

using SilentPeer = HostilePeer;

TEST_F(SilentPeer, IsNotWaitedForLong) {
  std::vector<RawPeer> peers;
  for (const Attack& silence : kSilences) {
    POSTERN_ASSERT_OK_AND_ASSIGN(RawPeer peer, Enter(silence.door));
    silence.run(peer);
    peers.push_back(std::move(peer));
  }
  ExpectAnOrdinaryExport();
  for (std::size_t i = 0; i < peers.size(); ++i) {
    EXPECT_TRUE(peers[i].EndsWithin(kSilenceBound)) << kSilences[i].what;
  }
  ExpectAnOrdinaryExport();
}

// A gzip member of `size` zeros, RFC 1951 by hand: a literal, then the longest match over and over.
std::string GzipOfZeros(std::size_t size) {
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  std::uint32_t bits = 0;
  unsigned count = 0;
  const auto put = [&](std::uint32_t value, unsigned width) {
    bits |= value << count;
    for (count += width; count >= 8; count -= 8, bits >>= 8U) out += static_cast<char>(bits);
  };
  put(0b011, 3);       // the last block, fixed codes
  put(0b00001100, 8);  // literal 0: 00110000, first bit first
  // Length 258 is code 285, 11000101; distance 1 is 00000: both first bit first.
  for (std::size_t made = 1; made < size; made += 258) put(0b00000'10100011, 13);
  put(0, 7);  // the end of the block
  put(0, 8);
  return out + std::string("\x01\x02\x03\x04\x10\x27\0\0", 8);  // claims 10,000 bytes
}

using Bomb = HostilePeer;

TEST_F(Bomb, OfGzipIsRefusedWithinItsBound) {
  Relay& gateway = topology_.gateway();
  const std::string bomb = GzipOfZeros(std::size_t{1} << 30U);
  const std::uint64_t before = PeakOf(gateway);
  POSTERN_ASSERT_OK_AND_ASSIGN(RawPeer peer, Enter(Door::kOtlp));
  constexpr std::array kHeaders = {
      http2::Field{":method", "POST", true},
      http2::Field{":scheme", "http", true},
      http2::Field{":path", "/opentelemetry.proto.collector.logs.v1.LogsService/Export", true},
      http2::Field{":authority", "gw1", true},
      http2::Field{"content-type", "application/grpc", true},
      http2::Field{"te", "trailers", true},
      http2::Field{"grpc-encoding", "gzip", true},
  };
  const auto size = static_cast<std::uint32_t>(bomb.size());
  auto answer = Ask(peer, kHeaders, "\x01" + raw::Word(size) + bomb);
  EXPECT_EQ(answer["grpc-status"], "3") << "never sent again";
  EXPECT_THAT(answer["grpc-message"], testing::HasSubstr("more than the allowed"));
  // Its 7 MB, the 16 MiB that it may give, and what the allocator makes of both.
  EXPECT_LT(PeakOf(gateway), before + 4 * kMostGrowth);
  EXPECT_TRUE(support::Eventually(
      [&] { return gateway.Metric("postern_relay_memory_used_bytes") == 0; }, kSoon));
  ExpectAnOrdinaryExport();
}

}  // namespace
}  // namespace postern::integration
