// What a parent refuses, and what it tells whom: peers that are not believed, frames that are
// wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/pki/event.h"
#include "sidecar/lane/batch.h"
#include "sidecar/link/testing/raw_child.h"
#include "sidecar/link/testing/sites.h"

namespace postern::link {
namespace {

using lane::Lane;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kChild = "gw1.example";

class LinkRefusalTest : public testing::Test {
 protected:
  // Lets a child try; returns what its uplink tells, having made sure that no record arrived.
  std::string Try(ParentSite& parent, ChildSite& child) {
    child.Store(1);
    child.uplink->Start();
    const std::string before = child.uplink->trouble();
    EXPECT_TRUE(world_.RunUntil([&] { return child.uplink->trouble() != before; }, seconds(8)));
    EXPECT_FALSE(child.uplink->connected());
    EXPECT_TRUE(parent.sink.delivered().empty());
    EXPECT_TRUE(world_.RunUntil([&] { return world_.log.Count("child's link ended") > 0; }));
    return child.uplink->trouble();
  }
  trust::IdentityPtr With(const pki::Credentials& shown) const {
    trust::Identity identity = *world_.Identity(kChild);
    identity.client = *pki::TlsContext::Client(shown);
    return std::make_shared<const trust::Identity>(std::move(identity));
  }

  LinkWorld world_;
};

// === who ===

TEST_F(LinkRefusalTest, TellsAnUnregisteredHostItsNumberAndTheRemedy) {
  ParentSite parent(world_, {"gw2.example"});
  ChildSite child(world_, kChild, parent.port());
  EXPECT_THAT(Try(parent, child), AllOf(HasSubstr("20000"), HasSubstr("not registered"),
                                        HasSubstr(kChild), HasSubstr("ms1.example")));
  EXPECT_GE(world_.log.Count("event=20000"), 1U);
  EXPECT_EQ(world_.metrics.refused.value(), 1);
}

TEST_F(LinkRefusalTest, TellsAnExpiredChildItsNumber) {
  ParentSite parent(world_, {kChild});
  ChildSite child(world_, kChild, {parent.port()},
                  With(world_.ca.MakeFlawed(kChild, pki::Flaw::kExpired)));
  EXPECT_THAT(Try(parent, child), HasSubstr("20049"));
}

TEST_F(LinkRefusalTest, TellsAChildOfAnotherAuthorityNothingOfUse) {
  ParentSite parent(world_, {kChild});
  ChildSite child(world_, kChild, {parent.port()},
                  With(world_.ca.MakeFlawed(kChild, pki::Flaw::kOtherAuthority)));
  EXPECT_THAT(Try(parent, child), AllOf(HasSubstr("not authenticated"), Not(HasSubstr("20072")),
                                        Not(HasSubstr("registered"))));
  EXPECT_GE(world_.log.Count("event=20072"), 1U) << "our own log knows";
}

TEST_F(LinkRefusalTest, TellsAChildWithoutACertificateNothingOfUse) {
  ParentSite parent(world_, {kChild});
  RawChild child(world_, world_.Identity(kChild), parent.port(),
                 *pki::TlsContext::ClientWithoutCertificate());
  child.Send(Lane::kControl, child.Hello());
  ASSERT_TRUE(world_.RunUntil([&] { return !child.over.empty(); }, seconds(8)));
  EXPECT_THAT(child.over, HasSubstr("not authenticated"));
  EXPECT_FALSE(child.welcome.has_value());
  EXPECT_TRUE(world_.RunUntil([&] { return parent.server->links() == 0; }, seconds(8)));
}

TEST_F(LinkRefusalTest, SendsNothingToAParentOfAnotherName) {
  ParentSite parent(world_, {kChild}, 64 << 20, "ms9.example");
  ChildSite child(world_, kChild, parent.port());
  EXPECT_THAT(Try(parent, child), HasSubstr("ms9.example"));
  EXPECT_GE(world_.log.Count("event=20052"), 1U);
  EXPECT_EQ(world_.log.Count("child linked"), 0U);
}

TEST_F(LinkRefusalTest, SendsNothingToAParentOfAnotherAuthority) {
  const pki::TestAuthority other("test CA");
  ParentSite parent(world_, {kChild}, 64 << 20, "ms1.example", 0,
                    trust::MakeIdentity(other, other.MakeMember("ms1.example"), "ms1.example"));
  ChildSite child(world_, kChild, parent.port());
  EXPECT_THAT(Try(parent, child), HasSubstr("parent ms1"));
  EXPECT_GE(world_.log.Count("event=20072"), 1U);
  EXPECT_EQ(world_.log.Count("child linked"), 0U);
}

TEST_F(LinkRefusalTest, RefusesTheSameGroupNameUnderAnotherIdNamingBoth) {
  ParentSite parent(world_, {kChild});
  RawChild child(world_, kChild, parent.port());
  lane::Hello hello = child.Hello();
  hello.group_id = "sha256:other";
  child.Send(Lane::kControl, hello);
  ASSERT_TRUE(
      world_.RunUntil([&] { return parent.server->links() == 0 && child.opened; }, seconds(8)));
  EXPECT_FALSE(child.welcome.has_value());
  const std::string own = world_.ca.authority().certificate().public_key_id();
  EXPECT_THAT(world_.log.lines(),
              testing::Contains(
                  AllOf(HasSubstr("event=21007"), HasSubstr("sha256:other"), HasSubstr(own))));
}

// === Hello and the frames around it ===

TEST_F(LinkRefusalTest, EndsALinkThatBreaksTheProtocolAndNoOther) {
  struct Case {
    const char* when;
    std::function<void(RawChild&)> then;  // said after Welcome, or instead of Hello
    bool before_hello;
    const char* log;
  };
  const auto batch = [](lane::Batch::Lane kind, std::uint64_t session, std::size_t size) {
    return lane::Batch{.lane = kind,
                       .session = session,
                       .first = 1,
                       .raw_size = size,
                       .payload = base::Bytes::Copy(std::string(size, 'x'))};
  };
  const Case kCases[] = {
      {"a frame comes before Hello", [](RawChild& c) { c.Send(Lane::kControl, lane::Ping{}); },
       true, "before Hello"},
      {"a batch comes before Hello",
       [&](RawChild& c) { c.Send(Lane::kData, batch(lane::Batch::Lane::kData, 1, 10)); }, true,
       "before Hello"},
      {"another version is spoken",
       [](RawChild& c) {
         lane::Hello hello = c.Hello();
         hello.protocol = 2;
         c.Send(Lane::kControl, hello);
       },
       true, "version 2"},
      {"Hello names another host",
       [](RawChild& c) {
         lane::Hello hello = c.Hello();
         hello.host = "gw2.example";
         c.Send(Lane::kControl, hello);
       },
       true, "event=20052"},
      {"the child's path holds the parent",
       [](RawChild& c) {
         lane::Hello hello = c.Hello();
         hello.path = {"gw0.example", "ms1.example", kChild};
         c.Send(Lane::kControl, hello);
       },
       true, "loop of parents"},
      {"a second Hello comes", [](RawChild& c) { c.Send(Lane::kControl, c.Hello()); }, false,
       "second Hello"},
      {"a Hello comes on the data lane", [](RawChild& c) { c.Send(Lane::kData, c.Hello()); }, true,
       "before Hello"},
      {"a heartbeat comes on the live lane",
       [](RawChild& c) { c.Send(Lane::kLive, lane::Ping{.stamp = 1}); }, false, "another lane"},
      {"a parent's frame comes",
       [](RawChild& c) { c.Send(Lane::kControl, lane::Ack{.through = 1}); }, false,
       "a parent's frame"},
      {"a data batch comes on the live lane",
       [&](RawChild& c) { c.Send(Lane::kLive, batch(lane::Batch::Lane::kData, 1, 10)); }, false,
       "wrong lane"},
      {"a live batch comes on the control lane",
       [&](RawChild& c) { c.Send(Lane::kControl, batch(lane::Batch::Lane::kLive, 0, 10)); }, false,
       "wrong lane"},
      {"a batch claims more than its credit",
       [&](RawChild& c) {
         lane::Batch big = batch(lane::Batch::Lane::kLive, 0, 100);
         big.compressed = true;
         big.raw_size = 1ULL << 40U;
         c.Send(Lane::kLive, big);
       },
       false, "beyond its credit"},
      {"a message is longer than the credit allows",
       [&](RawChild& c) { c.Send(Lane::kLive, batch(lane::Batch::Lane::kLive, 0, 17 * 1024)); },
       false, "child's link ended"},
      {"a batch is no batch",
       [&](RawChild& c) { c.Send(Lane::kLive, batch(lane::Batch::Lane::kLive, 0, 100)); }, false,
       "child's link ended"},
      {"a stored batch does not match its checksum",
       [&](RawChild& c) { c.Send(Lane::kData, batch(lane::Batch::Lane::kData, 1, 10)); }, false,
       "checksum"},
      {"a frame is cut",
       [](RawChild& c) { c.SendBytes(Lane::kControl, std::string("\0\0\0\0\2\7\xff", 7)); }, false,
       "malformed"},
      {"a message is flagged as compressed",
       [](RawChild& c) { c.SendBytes(Lane::kControl, std::string("\1\0\0\0\1\x63", 6)); }, false,
       "child's link ended"},
      {"a message is of four gigabytes",
       [](RawChild& c) { c.SendBytes(Lane::kControl, std::string("\0\xff\xff\xff\xff", 5)); },
       false, "child's link ended"},
  };
  ParentSite parent(world_, {kChild, "gw2.example"});
  ChildSite good(world_, "gw2.example", parent.port());
  good.uplink->Start();
  ASSERT_TRUE(world_.RunUntil([&] { return good.uplink->connected(); }));
  for (const Case& c : kCases) {
    const std::size_t told = world_.log.Count(c.log);
    RawChild bad(world_, kChild, parent.port());
    if (!c.before_hello) {
      bad.Send(Lane::kControl, bad.Hello());
      ASSERT_TRUE(world_.RunUntil([&] { return bad.welcome.has_value(); }, seconds(5))) << c.when;
    }
    c.then(bad);
    ASSERT_TRUE(world_.RunUntil([&] { return !bad.over.empty(); }, seconds(5))) << c.when;
    ASSERT_TRUE(world_.RunUntil([&] { return parent.server->links() == 1; }, seconds(5))) << c.when;
    EXPECT_GT(world_.log.Count(c.log), told) << c.when;
    EXPECT_TRUE(parent.sink.delivered().empty()) << c.when;
  }
  int answers = 0;
  good.Ask(world_.clock.Now() + seconds(10), 1,
           [&](const record::Answer& a) { answers += a.ok() ? 1 : 0; });
  ASSERT_TRUE(world_.RunUntil([&] { return !parent.sink.held().empty(); }));
  parent.sink.AnswerNext({});
  EXPECT_TRUE(world_.RunUntil([&] { return answers == 1; })) << "the others are not touched";
  EXPECT_EQ(world_.log.Count("no link to a parent"), 0U);
}

TEST_F(LinkRefusalTest, TellsTheChildWhatIsWrongWithItsHello) {
  struct Case {
    const char* when;
    void (*edit)(lane::Hello&);
    const char* then;
  };
  const Case kCases[] = {
      {"it names another host", [](lane::Hello& hello) { hello.host = "gw2.example"; }, "20052"},
      {"its group has another root", [](lane::Hello& hello) { hello.group_id = "sha256:other"; },
       "21007"},
      {"its path holds the parent",
       [](lane::Hello& hello) { hello.path.insert(hello.path.begin(), "ms1.example"); },
       "loop of parents"},
      {"it speaks another version", [](lane::Hello& hello) { hello.protocol = 2; }, "version 2"},
  };
  ParentSite parent(world_, {kChild});
  for (const Case& c : kCases) {
    RawChild child(world_, kChild, parent.port());
    lane::Hello hello = child.Hello();
    c.edit(hello);
    child.Send(Lane::kControl, hello);
    ASSERT_TRUE(world_.RunUntil([&] { return !child.over.empty(); }, seconds(5))) << c.when;
    EXPECT_THAT(child.over, AllOf(HasSubstr("the peer refused"), HasSubstr(c.then))) << c.when;
    ASSERT_TRUE(world_.RunUntil([&] { return parent.server->links() == 0; }, seconds(5))) << c.when;
  }
}

TEST_F(LinkRefusalTest, IgnoresUnknownFrames) {
  ParentSite parent(world_, {kChild});
  RawChild child(world_, kChild, parent.port());
  child.Send(Lane::kControl, child.Hello());
  child.SendBytes(Lane::kControl, std::string("\0\0\0\0\4\x63new", 9));
  child.Send(Lane::kControl, lane::Ping{.stamp = 42});
  const auto ponged = [&] {
    return std::any_of(child.frames.begin(), child.frames.end(), [](const lane::Frame& frame) {
      const auto* pong = std::get_if<lane::Pong>(&frame);
      return pong != nullptr && pong->stamp == 42;
    });
  };
  EXPECT_TRUE(world_.RunUntil(ponged, seconds(5)));
  EXPECT_EQ(child.over, "");
}

// The stores that one member names push out its own, and none that a link still holds.
TEST_F(LinkRefusalTest, KeepsTheStoresOfOthersAndThoseInUse) {
  ParentSite parent(world_, {kChild, "gw2.example"});
  parent.sink.OnDeliver([](const record::Record&) { return record::Answer{}; });
  ChildSite other(world_, "gw2.example", parent.port());
  other.Store(1);
  other.uplink->Start();
  ASSERT_TRUE(world_.RunUntil([&] { return other.stored.empty(); }));
  other.uplink->Stop();

  const auto welcomed = [this](RawChild& child, const lane::Hello& hello) {
    child.Send(Lane::kControl, hello);
    return world_.RunUntil([&child] { return child.welcome.has_value(); }, seconds(5));
  };
  RawChild held(world_, kChild, parent.port());
  ASSERT_TRUE(welcomed(held, held.Hello()));
  for (std::uint8_t number = 0; number < 40; ++number) {
    RawChild passing(world_, kChild, parent.port());
    lane::Hello hello = passing.Hello();
    if (number > 0) hello.store = {100, number};  // the first one is the held one's own
    ASSERT_TRUE(welcomed(passing, hello)) << int{number};
  }
  ASSERT_TRUE(world_.RunUntil([&] { return parent.server->links() == 1; }));
  held.Send(Lane::kData, lane::Batch{.lane = lane::Batch::Lane::kData, .first = 1, .payload = {}});
  ASSERT_TRUE(world_.RunUntil([&] { return !held.over.empty(); })) << "its store is still there";

  RawChild again(world_, "gw2.example", parent.port());
  lane::Hello hello = again.Hello();
  hello.store = other.outbox.stored.store();
  ASSERT_TRUE(welcomed(again, hello));
  EXPECT_EQ(again.welcome->mark, 1U) << "not forgotten";
}

TEST_F(LinkRefusalTest, TakesALiveRecordWithoutABoundOnItsTime) {
  ParentSite parent(world_, {kChild});
  RawChild child(world_, kChild, parent.port());
  child.Send(Lane::kControl, child.Hello());
  lane::BatchPacker packer(lane::Batch::Lane::kLive, {.host = kChild, .store = {7}}, world_.codec,
                           0);
  packer.Add(1, 0, *ChildSite::MakeRecord(1, 100));
  lane::Output bytes;
  packer.Finish(0, false, bytes);
  ASSERT_TRUE(world_.RunUntil([&] { return child.welcome.has_value(); }));
  std::string message;
  bytes.Take(bytes.size(), message);
  child.SendBytes(Lane::kLive, message);
  ASSERT_TRUE(world_.RunUntil([&] { return parent.sink.held().size() == 1; }));
  EXPECT_GE(parent.sink.held()[0].deadline, world_.clock.Now() + std::chrono::minutes(9));
}

TEST_F(LinkRefusalTest, GivesUpOnAPeerThatSaysNothing) {
  ParentSite parent(world_, {kChild});
  RawChild child(world_, kChild, parent.port());
  ASSERT_TRUE(world_.RunUntil([&] { return child.opened; }));
  world_.Pass(seconds(11));
  EXPECT_TRUE(world_.RunUntil([&] { return parent.server->links() == 0; }, seconds(5)));
}

}  // namespace
}  // namespace postern::link
