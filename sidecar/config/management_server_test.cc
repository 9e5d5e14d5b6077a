#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "sidecar/config/load.h"
#include "sidecar/config/testing/edited.h"

namespace postern::config {
namespace {

constexpr std::string_view kGood = R"(kind: ManagementServer
name: ms1
host: ms1.mgmt.example
certificate: {chain: c, key: k, roots: r}
port: 0
members: [gw1.dmz.example, gw2]
relay:
  backends:
  - name: collector
    signals: [logs, traces]
    otlp: {endpoint: "https://collector:4319", protocol: grpc, caFile: pki/collector.crt}
  - {name: local, file: {path: delivered}}
  - {name: none, discard: {}}
)";

TEST(ManagementServer, ReadsEveryField) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config config, Parse(kGood, "server.yaml", "/state"));
  EXPECT_EQ(config.kind, Kind::kManagementServer);
  EXPECT_EQ(config.port, 0);
  EXPECT_EQ(config.members.hosts, (std::vector<std::string>{"gw1.dmz.example", "gw2"}));
  EXPECT_TRUE(config.parents.empty());
  ASSERT_EQ(config.relay.backends.size(), 3u);

  const Backend& collector = config.relay.backends[0];
  EXPECT_EQ(collector.name, "collector");
  EXPECT_TRUE(collector.signals.logs);
  EXPECT_FALSE(collector.signals.metrics);
  EXPECT_TRUE(collector.signals.traces);
  const auto& otlp = std::get<OtlpBackend>(collector.target);
  EXPECT_EQ(otlp.endpoint, (Address{"collector", 4319}));
  EXPECT_TRUE(otlp.tls);
  EXPECT_EQ(otlp.ca_file, "/state/pki/collector.crt");

  const Backend& local = config.relay.backends[1];
  EXPECT_TRUE(local.signals.logs && local.signals.metrics && local.signals.traces);
  EXPECT_EQ(std::get<FileBackend>(local.target).path, "delivered");
  EXPECT_TRUE(std::holds_alternative<DiscardBackend>(config.relay.backends[2].target));
}

TEST(ManagementServer, ListensOnTheLinkPortUnlessToldOtherwise) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config config, Parse(Edited(kGood, "port: 0\n", ""), "x", ""));
  EXPECT_EQ(config.port, 5723);
}

TEST(ManagementServer, MayTakeAnyoneTheCaSigned) {
  const std::string text = Edited(kGood, "[gw1.dmz.example, gw2]", "[\"*\"]");
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config config, Parse(text, "x", ""));
  EXPECT_TRUE(config.members.anyone);
  EXPECT_TRUE(config.members.hosts.empty());
}

TEST(ManagementServer, TakesTenThousandMembersAndNoMore) {
  std::string hosts;
  for (int i = 0; i < 10'000; ++i) hosts += (i == 0 ? "gw" : ", gw") + std::to_string(i);
  const std::string_view old = "gw1.dmz.example, gw2";
  EXPECT_EQ(ProblemsOf(Edited(kGood, old, hosts)), "none");
  EXPECT_EQ(ProblemsOf(Edited(kGood, old, hosts + ", gw")),
            "x.yaml:6: members: 10001 items; write at most 10000");
}

const Edit kLinkEdits[] = {
    {"members are missing", "members: [gw1.dmz.example, gw2]\n", "",
     "x.yaml:1: members: missing; list the hosts that may connect, or write [\"*\"] for anyone the "
     "CA signed"},
    {"a member comes twice", "gw2]", "gw1.dmz.example]",
     "x.yaml:6: members[1]: \"gw1.dmz.example\": stands in the list before; remove one"},
    {"a member is no host", "gw2]", "'gw*']",
     "x.yaml:6: members[1]: \"gw*\": not a host name; write a-z, 0-9, - and dots, such as "
     "gw1.dmz.example"},
    {"members are everybody and somebody", "gw2]", "'*']",
     "x.yaml:6: members: […]: holds both \"*\" and hosts; write one or the other"},
    {"a server has parents", "port: 0", "parents: []",
     "x.yaml:5: parents: a ManagementServer has no parents; remove the field"},
    {"a server compresses", "port: 0", "compression: Zstd",
     "x.yaml:5: compression: a ManagementServer has no parents; remove the field"},
    {"a server has deadAfter", "port: 0", "deadAfter: 5s",
     "x.yaml:5: deadAfter: a ManagementServer has no parents; remove the field"},
    {"acks are the parent's", "relay:", "relay:\n  queue: {ack: Parent}",
     "x.yaml:8: relay.queue.ack: \"Parent\": a ManagementServer has no parent; write Durable, "
     "Memory or EndToEnd"},
    {"the link and admin want one port", "port: 0", "port: 9464",
     "x.yaml:7: relay.admin: 9464 is also port; write another port, or 0 for any free one"},
};

TEST(ManagementServer, NamesWhatIsWrongWithTheLink) {
  for (const Edit& row : kLinkEdits) {
    EXPECT_EQ(ProblemsOf(Edited(kGood, row.from, row.to)), row.then) << row.when;
  }
}

TEST(ManagementServer, NeedsABackend) {
  const std::string head(kGood.substr(0, kGood.find("relay:")));
  EXPECT_EQ(ProblemsOf(head), "x.yaml:1: relay: missing; name at least one backend in it");
  EXPECT_EQ(ProblemsOf(head + "relay: {}"), "x.yaml:7: relay.backends: missing; name at least one");
  EXPECT_EQ(ProblemsOf(head + "relay: {backends: []}"),
            "x.yaml:7: relay.backends: 0 items; write at least 1");
}

constexpr std::string_view kNone = "{name: none, discard: {}}";

const Edit kBackendEdits[] = {
    {"there are nine", kNone,
     "{name: a, discard: {}}\n  - {name: b, discard: {}}\n  - {name: c, discard: {}}\n"
     "  - {name: d, discard: {}}\n  - {name: e, discard: {}}\n  - {name: f, discard: {}}\n"
     "  - {name: g, discard: {}}",
     "x.yaml:8: relay.backends: 9 items; write at most 8"},
    {"one has no name", kNone, "{discard: {}}",
     "x.yaml:13: relay.backends[2].name: missing; give it one"},
    {"two have one name", kNone, "{name: local, discard: {}}",
     "x.yaml:13: relay.backends[2].name: \"local\": names an earlier backend; rename one"},
    {"one goes nowhere", kNone, "{name: none}",
     "x.yaml:13: relay.backends[2]: goes nowhere; add one of otlp, file or discard"},
    {"one goes to two places", kNone, "{name: none, file: {path: x}, discard: {}}",
     "x.yaml:13: relay.backends[2]: has file and discard; keep one of them"},
    {"one has no signals", kNone, "{name: none, signals: [], discard: {}}",
     "x.yaml:13: relay.backends[2].signals: 0 items; write at least 1"},
    {"a signal is unknown", kNone, "{name: none, signals: [spans], discard: {}}",
     "x.yaml:13: relay.backends[2].signals[0]: \"spans\": not one of logs, metrics, traces; write "
     "one "
     "of them"},
    {"a signal is misspelt", kNone, "{name: none, signals: [trace], discard: {}}",
     "x.yaml:13: relay.backends[2].signals[0]: \"trace\": not one of logs, metrics, traces; did "
     "you "
     "mean traces?"},
    {"a signal comes twice", kNone, "{name: none, signals: [logs, logs], discard: {}}",
     "x.yaml:13: relay.backends[2].signals[1]: \"logs\": stands in the list before; remove one"},
    {"one drops, from where is not said", kNone, "{name: none, whenBehind: Drop, discard: {}}",
     "x.yaml:13: relay.backends[2].maxBehind: missing; write how many bytes it may be behind, such "
     "as 256Mi"},
    {"one holds and has a bound", kNone,
     "{name: none, whenBehind: Hold, maxBehind: 2Mi, discard: {}}",
     "x.yaml:13: relay.backends[2].maxBehind: \"2Mi\": of no use to Hold; write whenBehind: Drop, "
     "or remove maxBehind"},
    {"one has a bound and does not say that it drops", kNone,
     "{name: none, maxBehind: 2Mi, discard: {}}",
     "x.yaml:13: relay.backends[2].maxBehind: \"2Mi\": of no use to Hold; write whenBehind: Drop, "
     "or remove maxBehind"},
    {"what one does when behind is misspelt", kNone,
     "{name: none, whenBehind: drop, maxBehind: 2Mi, discard: {}}",
     "x.yaml:13: relay.backends[2].whenBehind: \"drop\": not one of Hold, Drop; did you mean "
     "Drop?"},
    {"a bound is less than a segment", kNone,
     "{name: none, whenBehind: Drop, maxBehind: 1000k, discard: {}}",
     "x.yaml:13: relay.backends[2].maxBehind: \"1000k\": too little; write 1Mi to 1Gi"},
    {"a bound is more than the queue has", kNone,
     "{name: none, whenBehind: Drop, maxBehind: 1025Mi, discard: {}}",
     "x.yaml:13: relay.backends[2].maxBehind: \"1025Mi\": too much; write 1Mi to 1Gi"},
    {"a bound is no quantity", kNone,
     "{name: none, whenBehind: Drop, maxBehind: 1MiB, discard: {}}",
     "x.yaml:13: relay.backends[2].maxBehind: \"1MiB\": not a quantity; write it as 1Mi"},
    {"discard has a field", kNone, "{name: none, discard: {rate: 1}}",
     "x.yaml:13: relay.backends[2].discard.rate: unknown field; remove it"},
    {"a file has no path", "{path: delivered}", "{}",
     "x.yaml:12: relay.backends[1].file.path: missing; write a folder relative to the state "
     "folder"},
    {"a file is absolute", "{path: delivered}", "{path: /var}",
     "x.yaml:12: relay.backends[1].file.path: \"/var\": absolute; write a path relative to the "
     "state "
     "folder"},
    {"a file climbs out", "{path: delivered}", "{path: a/../../b}",
     "x.yaml:12: relay.backends[1].file.path: \"a/../../b\": leads elsewhere; write plain folder "
     "names, without . or .."},
    {"two files share a folder", kNone, "{name: none, file: {path: delivered}}",
     "x.yaml:13: relay.backends[2].file: {…}: the folder of backend local too; write another path"},
    {"an endpoint is missing", "endpoint: \"https://collector:4319\", ", "",
     "x.yaml:11: relay.backends[0].otlp.endpoint: missing; write it as http://127.0.0.1:4317"},
    {"an endpoint has no scheme", "https://collector:4319", "collector:4319",
     "x.yaml:11: relay.backends[0].otlp.endpoint: \"collector:4319\": not an endpoint; write "
     "http:// "
     "or https:// in front of host and port"},
    {"an endpoint has a path", "https://collector:4319", "https://collector:4319/v1/logs",
     "x.yaml:11: relay.backends[0].otlp.endpoint: \"https://collector:4319/v1/logs\": not an "
     "endpoint; write only scheme, host and port, such as http://127.0.0.1:4317"},
    {"a CA file goes with http", "https://collector:4319", "http://collector:4319",
     "x.yaml:11: relay.backends[0].otlp.caFile: \"pki/collector.crt\": of no use to http; write "
     "https in the endpoint, or remove caFile"},
    {"the protocol is http", "protocol: grpc", "protocol: http",
     "x.yaml:11: relay.backends[0].otlp.protocol: \"http\": not yet served; write grpc"},
    {"the protocol is unknown", "protocol: grpc", "protocol: thrift",
     "x.yaml:11: relay.backends[0].otlp.protocol: \"thrift\": not one of grpc; write one of them"},
};

TEST(ManagementServer, NamesWhatIsWrongWithTheBackends) {
  for (const Edit& row : kBackendEdits) {
    EXPECT_EQ(ProblemsOf(Edited(kGood, row.from, row.to)), row.then) << row.when;
  }
}

TEST(ManagementServer, WaitsForABackendUnlessToldHowFarItMayBeBehind) {
  const std::string text =
      Edited(kGood, kNone, "{name: none, whenBehind: Drop, maxBehind: 1Gi, discard: {}}");
  POSTERN_ASSERT_OK_AND_ASSIGN(
      const Config config,
      Parse(Edited(text, "{name: local, ", "{name: local, whenBehind: Hold, "), "x", ""));
  EXPECT_EQ(config.relay.backends[0].max_behind, std::nullopt);
  EXPECT_EQ(config.relay.backends[1].max_behind, std::nullopt);
  EXPECT_EQ(config.relay.backends[2].max_behind, std::uint64_t{1} << 30);
}

TEST(ManagementServer, MeasuresMaxBehindByTheQueueThatIsWritten) {
  const std::string text =
      Edited(kGood, kNone, "{name: none, whenBehind: Drop, maxBehind: 2Gi, discard: {}}");
  EXPECT_EQ(ProblemsOf(Edited(text, "relay:\n", "relay:\n  queue: {maxBytes: 2Gi}\n")), "none");
  EXPECT_EQ(ProblemsOf(Edited(text, "relay:\n", "relay:\n  queue: {maxBytes: 4GiB}\n")),
            "x.yaml:8: relay.queue.maxBytes: \"4GiB\": not a quantity; write it as 4Gi")
      << "one mistake, one line";
}

TEST(ManagementServer, MayLeaveTheBackendsCaToTheSystem) {
  const std::string text = Edited(kGood, ", caFile: pki/collector.crt", "");
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config config, Parse(text, "x", "/state"));
  const auto& otlp = std::get<OtlpBackend>(config.relay.backends[0].target);
  EXPECT_TRUE(otlp.tls);
  EXPECT_EQ(otlp.ca_file, "");
}

}  // namespace
}  // namespace postern::config
