#include "lib/net/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"

namespace postern::net {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;
using base::Result;

constexpr std::uint16_t kDefault = 5723;

struct Written {
  const char* when;
  const char* text;
  HostPort then;
};

TEST(ParseHostPort, ReadsWhatPeopleWrite) {
  const Written cases[] = {
      {"a name and a port", "gw1.example:4317", {"gw1.example", 4317}},
      {"a name alone gets the default port", "gw1.example", {"gw1.example", kDefault}},
      {"an IPv4 address and a port", "192.0.2.7:1", {"192.0.2.7", 1}},
      {"port 0 asks for any", "127.0.0.1:0", {"127.0.0.1", 0}},
      {"the highest port", "gw1:65535", {"gw1", 65535}},
      {"IPv6 in brackets, with a port", "[2001:db8::1]:80", {"2001:db8::1", 80}},
      {"IPv6 in brackets, without a port", "[::1]", {"::1", kDefault}},
      {"IPv6 as it is has no port", "2001:db8::1", {"2001:db8::1", kDefault}},
      {"the shortest IPv6 address", "::", {"::", kDefault}},
  };
  for (const Written& row : cases) {
    const Result<HostPort> parsed = ParseHostPort(row.text, kDefault);
    ASSERT_TRUE(parsed) << row.when;
    EXPECT_EQ(*parsed, row.then) << row.when;
  }
}

struct Wrong {
  const char* when;
  const char* text;
  const char* says;
};

TEST(ParseHostPort, NamesTheFault) {
  const Wrong cases[] = {
      {"nothing at all", "", "the host is missing"},
      {"a port alone", ":5723", "the host is missing"},
      {"empty brackets", "[]:5723", "the host is missing"},
      {"a bracket that stays open", "[::1", "\"[\" without \"]\""},
      {"text behind the bracket", "[::1]5723", "only \":port\""},
      {"a port that is a word", "gw1:https", "the port is not a number"},
      {"a port that is too high", "gw1:65536", "the port is not a number"},
      {"a negative port", "gw1:-1", "the port is not a number"},
      {"a port with more behind it", "gw1:80x", "the port is not a number"},
      {"a colon without a port", "gw1:", "the port is not a number"},
      {"a space before the port", "gw1: 80", "the port is not a number"},
  };
  for (const Wrong& row : cases) {
    EXPECT_THAT(ParseHostPort(row.text, kDefault), HasCode(Code::kInvalid)) << row.when;
    EXPECT_THAT(ParseHostPort(row.text, kDefault), FailsWith(row.says)) << row.when;
    EXPECT_THAT(ParseHostPort(row.text, kDefault), FailsWith(row.text)) << row.when;
  }
}

TEST(SocketAddress, PrintsAsPeopleWriteIt) {
  struct Case {
    const char* when;
    const char* ip;
    const char* then_ip;
    const char* then_text;
  };
  const Case cases[] = {
      {"IPv4", "192.0.2.7", "192.0.2.7", "192.0.2.7:5723"},
      {"IPv6 gets brackets", "2001:db8::1", "2001:db8::1", "[2001:db8::1]:5723"},
      {"IPv6 is shortened", "2001:db8:0:0:0:0:0:1", "2001:db8::1", "[2001:db8::1]:5723"},
      {"IPv4 on a dual-stack socket counts as IPv4", "::ffff:192.0.2.7", "192.0.2.7",
       "192.0.2.7:5723"},
      {"nothing is every address", "", "::", "[::]:5723"},
  };
  for (const Case& row : cases) {
    const Result<SocketAddress> address = SocketAddress::FromIp(row.ip, 5723);
    ASSERT_TRUE(address) << row.when;
    EXPECT_EQ(address->ip(), row.then_ip) << row.when;
    EXPECT_EQ(address->text(), row.then_text) << row.when;
    EXPECT_EQ(address->port(), 5723) << row.when;
  }
}

TEST(SocketAddress, TakesNoNames) {
  for (const char* name : {"localhost", "192.0.2", "1.2.3.4.5", "::1::", "[::1]", "192.0.2.7 "}) {
    EXPECT_THAT(SocketAddress::FromIp(name, 1), HasCode(Code::kInvalid)) << name;
  }
}

// The system's resolver refuses an IPv6 address where the machine has no IPv6 route.
TEST(ResolveBlocking, NeedsNoLookUpForAnAddress) {
  for (const char* ip : {"127.0.0.1", "::1", "2001:db8::1"}) {
    const auto found = ResolveBlocking({ip, 99});
    ASSERT_THAT(found, base::IsOk()) << ip;
    ASSERT_EQ(found->size(), 1U) << ip;
    EXPECT_EQ(found->front().ip(), ip);
    EXPECT_EQ(found->front().port(), 99);
  }
}

}  // namespace
}  // namespace postern::net
