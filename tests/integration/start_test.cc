// What the program says, and ends with, where it cannot start.
#include <gmock/gmock.h>

#include <filesystem>

#include "lib/base/testing/matchers.h"
#include "lib/net/socket.h"
#include "lib/pki/testing/test_authority.h"
#include "tests/integration/relay.h"
#include "tests/support/temp_dir.h"

namespace postern::integration {
namespace {

using base::IsOk;
using testing::HasSubstr;

// sysexits.h, as --help tells them.
constexpr int kWrongOption = 64;
constexpr int kCannotStart = 69;
constexpr int kBadConfiguration = 78;

constexpr std::string_view kGateway = R"(kind: Gateway
name: gw1
host: gw1.example
certificate: {chain: own.crt, key: own.key, roots: roots.crt}
port: 0
members: [gw2.example]
parents:
- {name: ms1, host: ms1.example, addresses: ["127.0.0.1:1"]}
relay:
  bind: 127.0.0.1
  admin: 0
  otlp: {grpc: 0}
)";

// The gateway's configuration with `what` replaced.
std::string Edited(std::string_view what, std::string_view by) {
  std::string text(kGateway);
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

class Start : public testing::Test {
 protected:
  Start() {
    relay_.SetIdentity(authority_.MakeMember("gw1.example"));
    relay_.SetRoots({authority_.authority().certificate()});
  }

  // Whether the program ended with `code` and said `sentence`.
  void ExpectEnd(const std::string& config, int code, std::string_view sentence,
                 const std::string& when) {
    SCOPED_TRACE(when);
    relay_.SetConfig(config);
    POSTERN_ASSERT_OK_AND_ASSIGN(const Relay::End end, relay_.RunToEnd());
    EXPECT_EQ(end.exit.code, code) << end.said;
    EXPECT_THAT(end.said, HasSubstr(std::string(sentence)));
  }

  support::TempDir folder_;
  pki::TestAuthority authority_;
  Relay relay_{folder_.File("gw1")};
};

TEST_F(Start, BadConfigurationIsToldByLineFieldValueAndRemedy) {
  struct Case {
    const char* when;
    std::string config;
    const char* said;
  };
  const Case cases[] = {
      {"an unknown field", Edited("name: gw1", "nmae: gw1"),
       "relay-config.yaml:2: nmae: unknown field; did you mean name?"},
      {"a wrong type", Edited("grpc: 0", "grpc: many"),
       "relay-config.yaml:12: relay.otlp.grpc: \"many\": not a port; write a whole number from 0"},
      {"a quantity in another dialect", Edited("admin: 0", "admin: 0\n  memory: 64MiB"),
       "relay-config.yaml:12: relay.memory: \"64MiB\": not a quantity; write it as 64Mi"},
      {"a list that is none", Edited("[gw2.example]", "gw2.example"),
       "relay-config.yaml:6: members: \"gw2.example\": not a list; write it as [a, b]"},
      {"a field of the other kind", Edited("admin: 0", "backends: []"),
       "relay-config.yaml:11: relay.backends: a Gateway delivers to its parents; remove the field"},
      {"a field that is not served yet", Edited("grpc: 0", "grpc: 0, http: 0"),
       "relay-config.yaml:12: relay.otlp.http: not yet served; remove the field"},
      {"no parents", "kind: Gateway\nname: gw1\nhost: gw1.example\n",
       "relay-config.yaml:1: parents: missing; name at least one parent"},
      {"two problems, the first", Edited("name: gw1", "name: 7\nnmae: gw1"),
       "relay-config.yaml:2: name: 7: "},
      {"two problems, the second", Edited("name: gw1", "name: 7\nnmae: gw1"),
       "relay-config.yaml:3: nmae: unknown field"},
      {"no YAML", "kind: Gateway\nmembers: [gw1", "relay-config.yaml:2: not YAML: "},
      {"nothing", "", "relay-config.yaml:1: nothing in it; begin with kind: Gateway"},
  };
  for (const Case& row : cases) ExpectEnd(row.config, kBadConfiguration, row.said, row.when);
}

TEST_F(Start, ACertificateThatCannotBeReadIsBadConfigurationWithItsEventAndRemedy) {
  struct Case {
    const char* when;
    const char* field;  // whose file
    const char* event;
    const char* said;
  };
  constexpr Case kCases[] = {
      {"no certificate", "own.crt", "event=20066", "No such file or directory; enrol this member"},
      {"no key", "own.key", "event=20068", "own.key: No such file or directory"},
      {"no roots", "roots.crt", "event=20066", "roots.crt: No such file or directory"},
  };
  for (const Case& row : kCases) {
    const std::string gone = "no-such-folder/" + std::string(row.field);
    ExpectEnd(Edited(row.field, gone), kBadConfiguration, row.event, row.when);
    EXPECT_THAT(relay_.Log(), HasSubstr(row.said)) << row.when;
  }
  ExpectEnd(Edited("own.crt", "own.key"), kBadConfiguration, "event=20066", "a key as certificate");
  ExpectEnd(Edited("roots.crt", "relay-config.yaml"), kBadConfiguration, "event=20066",
            "roots that are no PEM");
}

TEST_F(Start, AFileThatIsNotThereIsBadConfiguration) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const Relay::End end,
                               relay_.RunToEnd({"--config", relay_.File("other.yaml")}));
  EXPECT_EQ(end.exit.code, kBadConfiguration);
  EXPECT_THAT(end.said, HasSubstr("other.yaml: No such file or directory"));
}

TEST_F(Start, ATakenPortIsToldWithWhatToDo) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const net::SocketAddress any,
                               net::SocketAddress::FromIp("127.0.0.1", 0));
  POSTERN_ASSERT_OK_AND_ASSIGN(const net::Fd taken, net::Listen(any));
  const std::string port = std::to_string(net::SocketAddress::LocalOf(taken.get()).port());
  struct Case {
    const char* field;
    const char* which;
  };
  constexpr Case kCases[] = {
      {"port: ", "link port"}, {"grpc: ", "OTLP/gRPC port"}, {"admin: ", "admin port"}};
  for (const Case& row : kCases) {
    const std::string field = row.field;
    ExpectEnd(Edited(field + "0", field + port), kCannotStart, row.which, field);
    EXPECT_THAT(relay_.Log(), HasSubstr(":" + port)) << field;
    EXPECT_THAT(relay_.Log(), HasSubstr("choose another port")) << field;
    EXPECT_FALSE(std::filesystem::exists(relay_.File("relay.yaml"))) << "ports of a relay that is";
  }
}

TEST_F(Start, WithoutABindAddressItListensOnEveryOne) {
  relay_.SetConfig(Edited("  bind: 127.0.0.1\n", ""));
  ASSERT_THAT(relay_.Start(), IsOk());
  EXPECT_EQ(relay_.Get("/livez").status, 200);
  EXPECT_THAT(relay_.Terminate(), base::IsOkAndHolds(support::Process::Exit{}));
}

TEST_F(Start, AWrongOptionIsNamed) {
  relay_.SetConfig(std::string(kGateway));
  POSTERN_ASSERT_OK_AND_ASSIGN(
      const Relay::End end,
      relay_.RunToEnd({"--config", relay_.File("relay-config.yaml"), "--speed", "high"}));
  EXPECT_EQ(end.exit.code, kWrongOption);
  EXPECT_THAT(end.said, HasSubstr("--speed"));
}

TEST_F(Start, AWordThatIsNoChoiceIsToldWithTheChoices) {
  relay_.SetConfig(std::string(kGateway));
  struct Case {
    const char* option;
    const char* said;
  };
  constexpr Case kCases[] = {
      {"--log-level", "--log-level: 'bogus' is not debug, info, warn or error"},
      {"--log-format", "--log-format: 'bogus' is not text or json"},
  };
  for (const Case& row : kCases) {
    POSTERN_ASSERT_OK_AND_ASSIGN(
        const Relay::End end,
        relay_.RunToEnd({"--config", relay_.File("relay-config.yaml"), row.option, "bogus"}));
    EXPECT_EQ(end.exit.code, kWrongOption);
    EXPECT_THAT(end.said, HasSubstr(row.said));
    EXPECT_THAT(end.said, testing::Each(testing::Truly(
                              [](char one) { return one == '\n' || (one >= ' ' && one <= '~'); })))
        << "no raw bytes";
  }
}

TEST_F(Start, CheckOnlyLooks) {
  relay_.SetConfig(std::string(kGateway));
  POSTERN_ASSERT_OK_AND_ASSIGN(
      const Relay::End good,
      relay_.RunToEnd({"--config", relay_.File("relay-config.yaml"), "--check"}));
  EXPECT_EQ(good.exit, support::Process::Exit{}) << good.said;
  EXPECT_EQ(good.said, "");
  relay_.SetConfig(Edited("admin: 0", "admin: yes"));
  POSTERN_ASSERT_OK_AND_ASSIGN(
      const Relay::End bad,
      relay_.RunToEnd({"--config", relay_.File("relay-config.yaml"), "--check"}));
  EXPECT_EQ(bad.exit.code, kBadConfiguration);
}

}  // namespace
}  // namespace postern::integration
