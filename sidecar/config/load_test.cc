#include "sidecar/config/load.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "sidecar/config/testing/edited.h"

namespace postern::config {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;

constexpr std::string_view kGateway =
    "kind: Gateway\n"
    "name: gw1\n"
    "host: gw1\n"
    "certificate: {chain: c, key: k, roots: r}\n"
    "parents: [{name: ms1, host: ms1}]\n";

// A folder that is gone when the test is.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "postern-config-XXXXXX") {
    std::string name = path_.string();
    CHECK(mkdtemp(name.data()) != nullptr, "a temporary folder can be made");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string Write(const char* name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(Load, JoinsPathsToTheFoldersOfTheFileOrOfTheState) {
  const Folder folder;
  const std::string file = folder.Write("gateway.yaml", kGateway);
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config beside, Load(file));
  EXPECT_EQ(beside.certificate.chain, folder.path() + "/c");
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config state, Load(file, "/state"));
  EXPECT_EQ(state.certificate.chain, "/state/c");
}

TEST(Load, TellsAMissingFileFromOneThatCannotBeRead) {
  const Folder folder;
  const std::string missing = folder.path() + "/none.yaml";
  EXPECT_THAT(Load(missing), HasCode(Code::kNotFound));
  EXPECT_THAT(Load(missing), FailsWith("reading " + missing + ": No such file or directory"));
  EXPECT_THAT(Load(folder.path()), HasCode(Code::kUnavailable));
}

TEST(Load, RefusesAFileThatIsTooLong) {
  const Folder folder;
  EXPECT_THAT(Load(folder.Write("x.yaml", std::string(3 << 20, '#'))), HasCode(Code::kExhausted));
}

TEST(Load, NamesTheFileAsItWasNamed) {
  const Folder folder;
  const std::string file = folder.Write("x.yaml", "kind: [");
  EXPECT_THAT(Load(file), FailsWith(file + ":1: "));
}

const Edit kDocuments[] = {
    {"the file is empty", "", "",
     "x.yaml:1: nothing in it; begin with kind: Gateway or kind: ManagementServer"},
    {"the file holds comments only", "", "# gw1\n---\n",
     "x.yaml:1: nothing in it; begin with kind: Gateway or kind: ManagementServer"},
    {"the file is a list", "", "- kind: Gateway\n",
     "x.yaml:1: […]: not a map; begin with kind: Gateway or kind: ManagementServer"},
    {"the file is no YAML", "", "kind: Gateway\nname: gw1: x\n",
     "x.yaml:2: not YAML: illegal map value"},
    {"a field comes twice", "", std::string(kGateway) + "name: gw2\n",
     "x.yaml:6: \"name\": duplicate key; the first is in line 2"},
    {"there are two documents", "", std::string(kGateway) + "---\nkind: Gateway\n",
     "x.yaml:7: a second document; write each member into a file of its own"},
};

TEST(Parse, NamesWhatIsWrongWithTheDocument) {
  for (const Edit& row : kDocuments) EXPECT_EQ(ProblemsOf(row.to), row.then) << row.when;
}

TEST(Parse, ReportsEveryProblemInTheOrderOfTheFile) {
  const char* text =
      "nme: gw1\n"
      "kind: Gateway\n"
      "host: GW1\n"
      "certificate: {chain: c, kye: k, roots: [r]}\n"
      "parents:\n"
      "- {name: ms1, host: ms1, addresses: ['a b', \"c:99999\"]}\n"
      "- {name: ms1}\n"
      "deadAfter: 5\n"
      "relay:\n"
      "  queue: {ack: Never}\n"
      "  otlp:\n"
      "  memory: 64MiB\n"
      "  backends: []\n";
  EXPECT_EQ(ProblemsOf(text),
            "x.yaml:1: name: missing; write the member's name\n"
            "x.yaml:1: nme: unknown field; did you mean name?\n"
            "x.yaml:3: host: \"GW1\": not a host name; write it in lower case\n"
            "x.yaml:4: certificate.key: missing; write the path of a PEM file\n"
            "x.yaml:4: certificate.roots: […]: not a string; write one\n"
            "x.yaml:4: certificate.kye: unknown field; did you mean key?\n"
            "x.yaml:6: parents[0].addresses[0]: \"a b\": not an address; write a name or IP and "
            "perhaps a "
            "port, such as 10.0.0.1:5723\n"
            "x.yaml:6: parents[0].addresses[1]: \"c:99999\": not an address; write a name or IP "
            "and perhaps "
            "a port, such as 10.0.0.1:5723\n"
            "x.yaml:7: parents[1].host: missing; write the name in the parent's certificate\n"
            "x.yaml:7: parents[1].name: \"ms1\": names an earlier parent; remove one\n"
            "x.yaml:8: deadAfter: 5: not a duration; write it as 5s, 200ms or 1h30m\n"
            "x.yaml:10: relay.queue.ack: \"Never\": not one of Durable, Memory, EndToEnd, Parent; "
            "write one of them\n"
            "x.yaml:11: relay.otlp: empty; write a value or remove the field\n"
            "x.yaml:12: relay.memory: \"64MiB\": not a quantity; write it as 64Mi\n"
            "x.yaml:13: relay.backends: a Gateway delivers to its parents; remove the field");
  EXPECT_THAT(Parse(text, "x.yaml", ""), HasCode(Code::kInvalid));
}

TEST(Parse, ShowsOnlyTheBeginningOfALongValue) {
  const std::string text = Edited(kGateway, "host: gw1", "host: " + std::string(59, '_') + "äöü");
  EXPECT_EQ(ProblemsOf(text), "x.yaml:3: host: \"" + std::string(59, '_') +
                                  "…\": not a host name; write a-z, 0-9, - and dots, such as "
                                  "gw1.dmz.example");
}

TEST(Parse, CountsWhatExceedsAThousandProblems) {
  std::string text(kGateway);
  for (int i = 0; i < 1'200; ++i) text += "unknown" + std::to_string(i) + ": 1\n";
  const std::string problems = ProblemsOf(text);
  EXPECT_EQ(std::ranges::count(problems, '\n'), 1'000);
  EXPECT_TRUE(problems.ends_with("\nx.yaml: and 200 more problems"));
}

TEST(Samples, AreGood) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config gateway, Load("deploy/standalone/gateway.yaml"));
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config server,
                               Load("deploy/standalone/management-server.yaml"));
  EXPECT_EQ(gateway.relay.otlp->grpc, kOtlpGrpcPort);
  EXPECT_EQ(gateway.relay.admin, 9464);
  EXPECT_EQ(server.relay.admin, 9465);
  EXPECT_EQ(server.port, kLinkPort);
  EXPECT_EQ(std::get<FileBackend>(server.relay.backends.front().target).path, "delivered");
  EXPECT_EQ(gateway.parents.front().host, server.host);
  EXPECT_EQ(gateway.parents.front().addresses.front(), (Address{"127.0.0.1", *server.port}));
  EXPECT_EQ(server.members.hosts, std::vector<std::string>{gateway.host});
  EXPECT_EQ(gateway.certificate.roots, server.certificate.roots);
}

}  // namespace
}  // namespace postern::config
