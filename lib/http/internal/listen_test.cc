#include "lib/http/internal/listen.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "lib/base/testing/matchers.h"

namespace postern::http::internal {
namespace {

using base::Code;
using base::FailsWith;
using base::HasCode;

TEST(Listen, TakesAFreePortWhereNoneIsAskedFor) {
  for (const char* address : {"127.0.0.1", "0.0.0.0"}) {
    POSTERN_ASSERT_OK_AND_ASSIGN(const Listening listening, Listen(address, 0));
    EXPECT_GT(listening.port, 0);
    ::close(listening.fd);
  }
}

TEST(Listen, NamesAddressPortAndRemedyWhereThePortIsTaken) {
  POSTERN_ASSERT_OK_AND_ASSIGN(const Listening first, Listen("127.0.0.1", 0));
  const auto second = Listen("127.0.0.1", first.port);
  EXPECT_THAT(second, HasCode(Code::kConflict));
  EXPECT_THAT(second, FailsWith("listen on 127.0.0.1:" + std::to_string(first.port) +
                                ": another program has the port; stop it or choose another port"));
  ::close(first.fd);
}

TEST(Listen, RefusesWhatIsNoAddressOrPort) {
  const struct Case {
    const char* when;
    const char* address;
    int port;
    Code code;
    const char* text;
  } kCases[] = {
      {"a name", "localhost", 0, Code::kInvalid, "listen on localhost:0: an IPv4 or IPv6 address"},
      {"nothing", "", 0, Code::kInvalid, "address is needed"},
      {"three numbers", "127.0.1", 0, Code::kInvalid, "address is needed"},
      {"an IPv6 address with a letter too far", "::g", 1, Code::kInvalid, "listen on [::g]:1:"},
      {"a port too large", "127.0.0.1", 65536, Code::kInvalid, "from 0 to 65535"},
      {"a negative port", "127.0.0.1", -1, Code::kInvalid, "from 0 to 65535"},
      {"an address of somebody else (RFC 5737)", "192.0.2.1", 0, Code::kUnavailable,
       "does not have"},
  };
  for (const Case& c : kCases) {
    const auto result = Listen(c.address, c.port);
    EXPECT_THAT(result, HasCode(c.code)) << c.when;
    EXPECT_THAT(result, FailsWith(c.text)) << c.when;
  }
}

}  // namespace
}  // namespace postern::http::internal
