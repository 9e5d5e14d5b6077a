#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "sidecar/config/load.h"
#include "sidecar/config/testing/edited.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kFull = R"(kind: Gateway
name: gw1
group: plant
host: gw1.dmz.example
certificate: {chain: pki/gw1.crt, key: /secret/gw1.key, roots: pki/roots.crt}
parents:
- {name: ms1, host: ms1.mgmt.example, addresses: ["127.0.0.1:5723", ms1.dmz, "[::1]:7", "::2"]}
- {name: ms2, host: ms2.mgmt.example}
deadAfter: 1s500ms
compression: Zstd
port: 0
members: [gw2.dmz.example]
relay:
  bind: 127.0.0.1
  admin: 0
  memory: 1Gi
  maxRecord: 512k
  queue: {ack: Memory, maxBytes: 8Gi, maxAge: 24h, whenFull: DropOldest}
  otlp: {grpc: 0, bind: ""}
  drainGrace: 2m
)";

constexpr std::string_view kShort = R"(kind: Gateway
name: gw1
host: gw1
certificate: {chain: c, key: k, roots: r}
parents:
- {name: ms1, host: ms1}
)";

TEST(Gateway, MayLetItsParentAnswer) {
  POSTERN_ASSERT_OK_AND_ASSIGN(
      const Config config, Parse(Edited(kFull, "ack: Memory", "ack: Parent"), "gateway.yaml", ""));
  EXPECT_EQ(config.relay.ack, Ack::kParent);
}

TEST(Gateway, ReadsEveryField) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config config, Parse(kFull, "gateway.yaml", "/state"));
  EXPECT_EQ(config.kind, Kind::kGateway);
  EXPECT_EQ(config.name, "gw1");
  EXPECT_EQ(config.group, "plant");
  EXPECT_EQ(config.host, "gw1.dmz.example");
  EXPECT_EQ(config.certificate.chain, "/state/pki/gw1.crt");
  EXPECT_EQ(config.certificate.key, "/secret/gw1.key");
  EXPECT_EQ(config.certificate.roots, "/state/pki/roots.crt");
  ASSERT_EQ(config.parents.size(), 2u);
  EXPECT_EQ(config.parents[0].name, "ms1");
  EXPECT_EQ(
      config.parents[0].addresses,
      (std::vector<Address>{{"127.0.0.1", 5723}, {"ms1.dmz", 5723}, {"::1", 7}, {"::2", 5723}}));
  EXPECT_EQ(config.parents[1].addresses, (std::vector<Address>{{"ms2.mgmt.example", 5723}}));
  EXPECT_EQ(config.dead_after, 1500ms);
  EXPECT_EQ(config.compression, Compression::kZstd);
  EXPECT_EQ(config.port, 0);
  EXPECT_EQ(config.members.hosts, std::vector<std::string>{"gw2.dmz.example"});
  EXPECT_FALSE(config.members.anyone);
  EXPECT_EQ(config.relay.bind, "127.0.0.1");
  EXPECT_EQ(config.relay.admin, 0);
  EXPECT_EQ(config.relay.memory, 1u << 30);
  EXPECT_EQ(config.relay.max_record, 512'000u);
  EXPECT_EQ(config.relay.ack, Ack::kMemory);
  EXPECT_EQ(config.relay.queue_bytes, std::uint64_t{8} << 30);
  EXPECT_EQ(config.relay.max_age, 24h);
  EXPECT_TRUE(config.relay.drop_oldest);
  ASSERT_TRUE(config.relay.otlp);
  EXPECT_EQ(config.relay.otlp->grpc, 0);
  EXPECT_EQ(config.relay.otlp->bind, "");
  EXPECT_EQ(config.relay.drain_grace, 2min);
}

TEST(Gateway, HasDefaults) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config config, Parse(kShort, "gateway.yaml", ""));
  EXPECT_EQ(config.group, "default");
  EXPECT_EQ(config.certificate.chain, "c");
  EXPECT_EQ(config.dead_after, 5s);
  EXPECT_EQ(config.compression, Compression::kAuto);
  EXPECT_EQ(config.port, std::nullopt);
  EXPECT_EQ(config.relay.bind, "");
  EXPECT_EQ(config.relay.admin, 9464);
  EXPECT_EQ(config.relay.memory, 64u << 20);
  EXPECT_EQ(config.relay.max_record, 16u << 20);
  EXPECT_EQ(config.relay.ack, Ack::kDurable);
  EXPECT_EQ(config.relay.queue_bytes, std::uint64_t{1} << 30);
  EXPECT_FALSE(config.relay.otlp);
  EXPECT_EQ(config.relay.drain_grace, 30s);
}

TEST(Gateway, LowersTheRecordBoundToItsMemory) {
  const std::string text = std::string(kShort) + "relay: {memory: 2Mi}\n";
  POSTERN_ASSERT_OK_AND_ASSIGN(const Config config, Parse(text, "gateway.yaml", ""));
  EXPECT_EQ(config.relay.max_record, 512u << 10);
}

const Edit kMemberEdits[] = {
    {"the kind is missing", "kind: Gateway\n", "",
     "x.yaml:1: kind: missing; write Gateway or ManagementServer"},
    {"the kind is unknown", "Gateway", "Agent",
     "x.yaml:1: kind: \"Agent\": not one of Gateway, ManagementServer; write one of them"},
    {"the kind is misspelt", "Gateway", "gatway",
     "x.yaml:1: kind: \"gatway\": not one of Gateway, ManagementServer; did you mean Gateway?"},
    {"the name is missing", "name: gw1\n", "", "x.yaml:1: name: missing; write the member's name"},
    {"the name is nothing", "name: gw1",
     "name:", "x.yaml:2: name: empty; write a value or remove the field"},
    {"the name is empty", "name: gw1", "name: ''", "x.yaml:2: name: \"\": empty; write a value"},
    {"the name is a number", "name: gw1", "name: 7",
     "x.yaml:2: name: 7: not a string; put it in quotes"},
    {"the name is a list", "name: gw1", "name: [gw1]",
     "x.yaml:2: name: […]: not a string; write one"},
    {"the name has capitals", "name: gw1", "name: GW1",
     "x.yaml:2: name: \"GW1\": not a name; write it in lower case"},
    {"the name has a space", "name: gw1", "name: gw 1",
     "x.yaml:2: name: \"gw 1\": not a name; write a-z, 0-9, - and dots, such as gw1"},
    {"the name holds a control character", "name: gw1", "name: \"gw\\n1\"",
     "x.yaml:2: name: \"gw\\n1\": holds a control character; remove it"},
    {"the group is no name", "group: plant", "group: _",
     "x.yaml:3: group: \"_\": not a name; write a-z, 0-9, - and dots, such as gw1"},
    {"the host is missing", "host: gw1.dmz.example\n", "",
     "x.yaml:1: host: missing; write the name in the certificate"},
    {"the host has capitals", "gw1.dmz.example", "Gw1.dmz.example",
     "x.yaml:4: host: \"Gw1.dmz.example\": not a host name; write it in lower case"},
    {"the host has an empty label", "gw1.dmz.example", "gw1..example",
     "x.yaml:4: host: \"gw1..example\": not a host name; write a-z, 0-9, - and dots, such as "
     "gw1.dmz.example"},
    {"the host is an address", "gw1.dmz.example", "10.0.0.1",
     "x.yaml:4: host: \"10.0.0.1\": an address; write the name in the certificate"},
    {"the certificate is missing",
     "certificate: {chain: pki/gw1.crt, key: /secret/gw1.key, roots: pki/roots.crt}\n", "",
     "x.yaml:1: certificate: missing; write {chain: …, key: …, roots: …}"},
    {"the certificate is a path",
     "{chain: pki/gw1.crt, key: /secret/gw1.key, roots: pki/roots.crt}", "gw1.pem",
     "x.yaml:5: certificate: \"gw1.pem\": not a map; write its fields below it"},
    {"the certificate lacks a key", "key: /secret/gw1.key, ", "",
     "x.yaml:5: certificate.key: missing; write the path of a PEM file"},
    {"the certificate has a strange field", "key: /secret/gw1.key", "key: k, password: x",
     "x.yaml:5: certificate.password: unknown field; remove it"},
    {"a top field is unknown", "group: plant", "color: red",
     "x.yaml:3: color: unknown field; remove it"},
    {"a top field is misspelt",
     "group:", "gruop:", "x.yaml:3: gruop: unknown field; did you mean group?"},
    {"a top field has two lines", "group: plant", "\"a\\nb\": 1",
     "x.yaml:3: a\\nb: unknown field; remove it"},
    {"the internet edge is asked for", "group: plant", "edge: {}",
     "x.yaml:3: edge: not yet served; remove the field"},
};

TEST(Gateway, NamesWhatIsWrongWithTheMember) {
  for (const Edit& row : kMemberEdits) {
    EXPECT_EQ(ProblemsOf(Edited(kFull, row.from, row.to)), row.then) << row.when;
  }
}

const std::string kTen = [] {
  std::string list = "\n- {name: p0, host: p0}";
  for (int i = 1; i < 10; ++i) {
    const std::string name = "p" + std::to_string(i);
    list.append("\n- {name: ").append(name).append(", host: ").append(name).append("}");
  }
  return list;
}();

const Edit kLinkEdits[] = {
    {"there are no parents", "parents:\n- {name: ms1, host: ms1}\n", "",
     "x.yaml:1: parents: missing; name at least one parent"},
    {"the parents are an empty list", "\n- {name: ms1, host: ms1}", " []",
     "x.yaml:5: parents: 0 items; write at least 1"},
    {"the parents are nothing", "\n- {name: ms1, host: ms1}", "",
     "x.yaml:5: parents: empty; write a value or remove the field"},
    {"the parents are a map", "- {name: ms1, host: ms1}", "  {name: ms1}",
     "x.yaml:6: parents: {…}: not a list; write it as [a, b] or with dashes"},
    {"there are ten parents", "\n- {name: ms1, host: ms1}", kTen,
     "x.yaml:5: parents: 10 items; write at most 9"},
    {"a parent is a word", "{name: ms1, host: ms1}", "ms1",
     "x.yaml:6: parents[0]: \"ms1\": not a map; write its fields below it"},
    {"a parent has no name", "{name: ms1, host: ms1}", "{host: ms1}",
     "x.yaml:6: parents[0].name: missing; write the parent's name"},
    {"a parent has no host", "{name: ms1, host: ms1}", "{name: ms1}",
     "x.yaml:6: parents[0].host: missing; write the name in the parent's certificate"},
    {"a parent is this gateway", "host: ms1", "host: gw1",
     "x.yaml:6: parents[0].host: \"gw1\": this gateway's own; write the parent's"},
    {"a parent comes twice", "host: ms1}", "host: ms1}\n- {name: ms1, host: ms1}",
     "x.yaml:7: parents[1].name: \"ms1\": names an earlier parent; remove one\n"
     "x.yaml:7: parents[1].host: \"ms1\": an earlier parent's; remove one"},
    {"a parent has a strange field", "host: ms1", "host: ms1, address: x",
     "x.yaml:6: parents[0].address: unknown field; did you mean addresses?"},
    {"a parent has nine addresses", "host: ms1",
     "host: ms1, addresses: [a, b, c, d, e, f, g, h, i]",
     "x.yaml:6: parents[0].addresses: 9 items; write at most 8"},
    {"an address has a bad port", "host: ms1", "host: ms1, addresses: ['a:0']",
     "x.yaml:6: parents[0].addresses[0]: \"a:0\": not an address; write a name or IP and perhaps a "
     "port, such as 10.0.0.1:5723"},
    {"an address comes twice", "host: ms1", "host: ms1, addresses: [a, a]",
     "x.yaml:6: parents[0].addresses[1]: \"a\": stands in the list before; remove one"},
    {"deadAfter has no unit", "kind:", "deadAfter: 5\nkind:",
     "x.yaml:1: deadAfter: 5: not a duration; write it as 5s, 200ms or 1h30m"},
    {"deadAfter is too short", "kind:", "deadAfter: 199ms\nkind:",
     "x.yaml:1: deadAfter: \"199ms\": too short; write at least 200ms"},
    {"the compression is unknown", "kind:", "compression: gzip\nkind:",
     "x.yaml:1: compression: \"gzip\": not one of Auto, Zstd, None; write one of them"},
    {"the compression has another case", "kind:", "compression: zstd\nkind:",
     "x.yaml:1: compression: \"zstd\": not one of Auto, Zstd, None; did you mean Zstd?"},
    {"the port is too large", "kind:", "members: []\nport: 65536\nkind:",
     "x.yaml:2: port: 65536: not a port; write a whole number from 0 to 65535, without quotes"},
    {"there is a port and nobody may connect", "kind:", "port: 5723\nkind:",
     "x.yaml:1: members: missing; list the hosts that may connect, or write [\"*\"] for anyone the "
     "CA signed"},
    {"members may connect and there is no port", "kind:", "members: []\nkind:",
     "x.yaml:1: members: nobody connects where there is no port; add port, or remove members"},
    {"the parent dials",
     "kind:", "dial: Parent\nkind:", "x.yaml:1: dial: not yet served; remove the field"},
    {"the failback is timed", "kind:", "failbackAfter: 30s\nkind:",
     "x.yaml:1: failbackAfter: not yet served; remove the field"},
};

TEST(Gateway, NamesWhatIsWrongWithTheLink) {
  for (const Edit& row : kLinkEdits) {
    EXPECT_EQ(ProblemsOf(Edited(kShort, row.from, row.to)), row.then) << row.when;
  }
}

const Edit kRelayEdits[] = {
    {"the relay is a word", "", "gw1",
     "x.yaml:7: relay: \"gw1\": not a map; write its fields below it"},
    {"the relay has a strange field", "", "{memroy: 1Mi}",
     "x.yaml:7: relay.memroy: unknown field; did you mean memory?"},
    {"bind is a name", "", "{bind: localhost}",
     "x.yaml:7: relay.bind: \"localhost\": not an IP; write one of this machine's, or \"\" for "
     "every "
     "address"},
    {"admin is quoted", "", "{admin: '9464'}",
     "x.yaml:7: relay.admin: \"9464\": not a port; write a whole number from 0 to 65535, without "
     "quotes"},
    {"admin is negative", "", "{admin: -1}",
     "x.yaml:7: relay.admin: -1: not a port; write a whole number from 0 to 65535, without quotes"},
    {"memory has a strange unit", "", "{memory: 64MiB}",
     "x.yaml:7: relay.memory: \"64MiB\": not a quantity; write it as 64Mi"},
    {"memory is too little", "", "{memory: 1023Ki}",
     "x.yaml:7: relay.memory: \"1023Ki\": too little; write 1Mi to 64Gi"},
    {"memory is too much", "", "{memory: 65Gi}",
     "x.yaml:7: relay.memory: \"65Gi\": too much; write 1Mi to 64Gi"},
    {"memory is beyond any number", "", "{memory: 99999999999999999999Gi}",
     "x.yaml:7: relay.memory: \"99999999999999999999Gi\": too much; write 1Mi to 64Gi"},
    {"maxRecord is too little", "", "{maxRecord: 1000}",
     "x.yaml:7: relay.maxRecord: 1000: too little; write 1Ki to 1Gi"},
    {"maxRecord is more than the memory", "", "{maxRecord: 65Mi}",
     "x.yaml:7: relay.maxRecord: \"65Mi\": more than a quarter of relay.memory; write at most "
     "16Mi"},
    {"maxRecord is large and the memory bad", "", "{memory: lots, maxRecord: 65Mi}",
     "x.yaml:7: relay.memory: \"lots\": not a quantity; write it as 64Mi, 1Gi or a number of "
     "bytes"},
    {"acks are unknown", "", "{queue: {ack: Never}}",
     "x.yaml:7: relay.queue.ack: \"Never\": not one of Durable, Memory, EndToEnd, Parent; write "
     "one of them"},
    {"the queue is smaller than four records", "", "{queue: {maxBytes: 63Mi}}",
     "x.yaml:7: relay.queue.maxBytes: \"63Mi\": too little; write 64Mi to 1048576Gi"},
    {"a full queue does what nobody knows", "", "{queue: {whenFull: Panic}}",
     "x.yaml:7: relay.queue.whenFull: \"Panic\": not one of Refuse, DropOldest; write one of them"},
    {"records of the queue expire at once", "", "{queue: {maxAge: 999ms}}",
     "x.yaml:7: relay.queue.maxAge: \"999ms\": too little; write at least 1s, or remove the field"},
    {"otlp has no port", "", "{otlp: {}}",
     "x.yaml:7: relay.otlp.grpc: missing; write the port, or remove otlp"},
    {"otlp over HTTP is asked for", "", "{otlp: {grpc: 4317, http: 4318}}",
     "x.yaml:7: relay.otlp.http: not yet served; remove the field"},
    {"drainGrace is a fraction", "", "{drainGrace: 1.5s}",
     "x.yaml:7: relay.drainGrace: \"1.5s\": not a duration; write it as 5s, 200ms or 1h30m"},
    {"a gateway has backends", "", "{backends: []}",
     "x.yaml:7: relay.backends: a Gateway delivers to its parents; remove the field"},
    {"services are asked for", "", "{services: []}",
     "x.yaml:7: relay.services: not yet served; remove the field"},
    {"two listeners want one port", "", "{admin: 4317, otlp: {grpc: 4317}}",
     "x.yaml:7: relay.otlp.grpc: 4317 is also relay.admin; write another port, or 0 for any free "
     "one"},
    {"two listeners have one port of two addresses", "",
     "{admin: 4317, bind: 127.0.0.2, otlp: {grpc: 4317}}", "none"},
    {"two listeners have one port of every address", "",
     "{admin: 4317, bind: 127.0.0.2, otlp: {grpc: 4317, bind: '::'}}",
     "x.yaml:7: relay.otlp.grpc: 4317 is also relay.admin; write another port, or 0 for any free "
     "one"},
};

TEST(Gateway, NamesWhatIsWrongWithTheRelay) {
  for (const Edit& row : kRelayEdits) {
    EXPECT_EQ(ProblemsOf(std::string(kShort) + "relay: " + row.to + "\n"), row.then) << row.when;
  }
}

}  // namespace
}  // namespace postern::config
