// Folders that come back from a backup, that are lost, and that two relays would like to have.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "lib/base/testing/matchers.h"
#include "tests/integration/sender.h"
#include "tests/integration/topology.h"
#include "tests/support/eventually.h"

namespace postern::chaos {
namespace {

using base::IsOk;
using integration::kSoon;
using integration::Lost;
using integration::Relay;
using integration::Repeated;
using integration::Sender;
using integration::Topology;
using otlp::Signal;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kCannotStart = 69;  // as --help tells

class RestoredFolder : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(topology_.Start(), IsOk());
    ASSERT_TRUE(topology_.Linked());
  }

  // Sends so many batches, each of which has to be taken at once; returns their ids.
  std::vector<std::string> Send(int batches) {
    Sender sender(topology_.otlp_port(), {.after = sent_});
    for (int i = 0; i < batches; ++i) EXPECT_THAT(sender.Send(), IsOk());
    sent_ += static_cast<std::uint32_t>(batches);
    return sender.accepted();
  }
  void ExpectDelivered(const std::vector<std::string>& ids, const char* what) {
    EXPECT_THAT(Lost(ids, topology_.AwaitDelivered(ids)), IsEmpty()) << what;
  }
  // Those of `others` that arrived more than once.
  std::vector<std::string> RepeatedBeside(const std::vector<std::string>& excused) {
    return Lost(Repeated(topology_.Delivered(Signal::kLogs)), excused);
  }

  void CutTheLink() {
    topology_.gate().Refuse();
    topology_.gate().Reset();
  }
  static void CopyQueue(const Relay& relay) { Replace(relay.File("queue"), relay.File("backup")); }
  static void RestoreQueue(const Relay& relay) {
    Replace(relay.File("backup"), relay.File("queue"));
  }
  static void Replace(const std::string& from, const std::string& to) {
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  }

  Relay& gateway() { return topology_.gateway(); }
  Relay& server() { return topology_.server(); }

  // Leaves a gateway that was killed, whose folder holds records that the parent has not, and a
  // backup of it; afterwards the gateway went on and passed all of it on, and more.
  void MakeABackupAndGoOn() {
    ExpectDelivered(Send(10), "before the backup");
    CutTheLink();
    in_backup_ = Send(10);
    gateway().process().Kill();
    CopyQueue(gateway());
    topology_.gate().Restore();
    ASSERT_THAT(topology_.RestartGateway(), IsOk());
    ExpectDelivered(in_backup_, "after the backup");
    ExpectDelivered(Send(20), "that the backup lacks");
    gateway().process().Kill();
    RestoreQueue(gateway());
  }

  std::vector<std::string> in_backup_;
  std::uint32_t sent_ = 0;
  Topology topology_{{.ack = "Durable"}};
};

TEST_F(RestoredFolder, OfAGatewayGoesOnAsANewStore) {
  ASSERT_NO_FATAL_FAILURE(MakeABackupAndGoOn());
  ASSERT_THAT(topology_.RestartGateway(), IsOk());
  EXPECT_THAT(gateway().process().WaitForLine("goes on as a new store", kSoon), IsOk());
  ExpectDelivered(Send(10), "the parent's mark drops no new record");
  ExpectDelivered(in_backup_, "what the copy holds");
  EXPECT_THAT(RepeatedBeside(in_backup_), IsEmpty());
}

// Its new records have the numbers of those that the parent knows; only their bodies differ.
TEST_F(RestoredFolder, OfAGatewayThatWritesPastTheMarkBeforeItIsLinked) {
  ASSERT_NO_FATAL_FAILURE(MakeABackupAndGoOn());
  CutTheLink();
  ASSERT_THAT(topology_.RestartGateway(), IsOk());
  const std::vector<std::string> fresh = Send(40);
  topology_.gate().Restore();
  ExpectDelivered(fresh, "of the copy");
  EXPECT_THAT(RepeatedBeside(in_backup_), IsEmpty());
}

// The numbers of its new records are below the mark, and the next opening's are above it.
TEST_F(RestoredFolder, OfAGatewayThatIsOpenedTwiceBeforeItIsLinked) {
  ASSERT_NO_FATAL_FAILURE(MakeABackupAndGoOn());
  CutTheLink();
  ASSERT_THAT(topology_.RestartGateway(), IsOk());
  std::vector<std::string> fresh = Send(5);
  ASSERT_THAT(topology_.KillAndRestartGateway(), IsOk());
  for (std::string& id : Send(5)) fresh.push_back(std::move(id));
  topology_.gate().Restore();
  ExpectDelivered(fresh, "of the copy");
  EXPECT_THAT(RepeatedBeside(in_backup_), IsEmpty());
}

TEST_F(RestoredFolder, OfAParentTakesNewRecords) {
  const std::vector<std::string> before = Send(10);
  ExpectDelivered(before, "before the backup");
  server().process().Kill();
  CopyQueue(server());
  ASSERT_THAT(topology_.RestartServer(), IsOk());
  const std::vector<std::string> after = Send(20);
  ExpectDelivered(after, "that the backup lacks");
  server().process().Kill();
  RestoreQueue(server());
  ASSERT_THAT(topology_.RestartServer(), IsOk());
  ExpectDelivered(Send(10), "new ones");
  // Acknowledgements of the last moment may not have been heard, or not have been written.
  EXPECT_LE(Repeated(topology_.Delivered(Signal::kLogs)).size(), before.size() + after.size());
}

TEST_F(RestoredFolder, ThatAParentLostIsANewStore) {
  ExpectDelivered(Send(10), "before");
  server().process().Kill();
  std::filesystem::remove_all(server().File("queue"));
  CutTheLink();
  const std::vector<std::string> meanwhile = Send(10);
  topology_.gate().Restore();
  ASSERT_THAT(topology_.RestartServer(), IsOk());
  ExpectDelivered(meanwhile, "kept by the gateway");
  ExpectDelivered(Send(10), "new ones");
}

TEST_F(RestoredFolder, ThatAGatewayLostIsANewStore) {
  ExpectDelivered(Send(10), "before");
  gateway().process().Kill();
  std::filesystem::remove_all(gateway().File("queue"));
  ASSERT_THAT(topology_.RestartGateway(), IsOk());
  ExpectDelivered(Send(10), "new ones, which the parent's mark does not drop");
  EXPECT_THAT(Repeated(topology_.Delivered(Signal::kLogs)), IsEmpty());
}

// === two relays ===

class Twin : public RestoredFolder {
 protected:
  // The gateway's configuration, for other ports.
  std::string ConfigOfTheGateway() {
    std::ifstream file(gateway().File("relay-config.yaml"));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  support::TempDir folder_;
};

TEST_F(Twin, OfOneNameWithAFolderOfItsOwnIsAnotherStore) {
  Relay twin(folder_.File("twin"));
  twin.SetIdentity(topology_.authority().MakeMember("gw1.example"));
  twin.SetRoots({topology_.authority().authority().certificate()});
  twin.SetConfig(ConfigOfTheGateway());
  ASSERT_THAT(twin.Start(), IsOk());
  ASSERT_TRUE(support::Eventually([&] { return twin.Ready(); }, kSoon));

  integration::SteadySender mine(topology_.otlp_port());
  integration::SteadySender twins(twin.Port("otlpGrpc"),
                                  integration::SteadySender::Patience::kRetries, {.after = 1'000});
  EXPECT_TRUE(mine.AwaitMore(20));
  EXPECT_TRUE(twins.AwaitMore(20));
  mine.Stop();
  twins.Stop();
  ExpectDelivered(mine.accepted(), "of the gateway");
  ExpectDelivered(twins.accepted(), "of the other");
  EXPECT_THAT(Repeated(topology_.Delivered(Signal::kLogs)), IsEmpty());
}

TEST_F(Twin, OnTheSameFolderDoesNotStart) {
  Relay twin(folder_.File("twin"));
  twin.SetIdentity(topology_.authority().MakeMember("gw1.example"));
  twin.SetRoots({topology_.authority().authority().certificate()});
  twin.SetConfig(ConfigOfTheGateway());
  std::filesystem::create_directory_symlink(gateway().File("queue"), twin.File("queue"));
  POSTERN_ASSERT_OK_AND_ASSIGN(const Relay::End end, twin.RunToEnd());
  EXPECT_EQ(end.exit.code, kCannotStart) << end.said;
  EXPECT_THAT(end.said, HasSubstr("another process holds it"));
  ExpectDelivered(Send(5), "the first one goes on");
}

}  // namespace
}  // namespace postern::chaos
