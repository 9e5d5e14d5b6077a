#include "sidecar/config/internal/values.h"

#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;

yaml::Node Text(std::string text) {
  return yaml::Node::Scalar(yaml::Kind::kString, std::move(text), {});
}

TEST(ReadDuration, AddsItsParts) {
  const std::pair<const char*, base::Duration> kCases[] = {
      {"0s", 0s},         {"200ms", 200ms},
      {"5s", 5s},         {"1h30m", 90min},
      {"1s1s", 2s},       {"99999h99999h99999h99999h", 399996h},
      {"87600h", 87600h}, {"1h1m1s1ms", 3661001ms},
      {"00005s", 5s},
  };
  for (const auto& [text, duration] : kCases) EXPECT_EQ(ReadDuration(Text(text)), duration) << text;
}

TEST(ReadDuration, RefusesWhatDoesNotMatchItsPattern) {
  for (const char* text : {"", "5", "s", "5 s", " 5s", "5S", "-5s", "1.5s", "100000s", "5d", "5sm",
                           "1h1m1s1ms1s", "5s ", "5µs"}) {
    EXPECT_FALSE(ReadDuration(Text(text))) << text;
  }
}

TEST(ReadQuantity, ReadsDecimalAndBinarySuffixes) {
  const std::pair<const char*, std::uint64_t> kCases[] = {
      {"0", 0},
      {"1k", 1000},
      {"1Ki", 1024},
      {"2M", 2'000'000},
      {"2Mi", 2 << 20},
      {"1G", 1'000'000'000},
      {"1Gi", 1 << 30},
      {"007", 7},
      {"18446744073709551615", ~std::uint64_t{0}},
      {"18446744073709551616", ~std::uint64_t{0}},
      {"18446744073709551615k", ~std::uint64_t{0}},
  };
  for (const auto& [text, bytes] : kCases) EXPECT_EQ(ReadQuantity(Text(text)), bytes) << text;
}

TEST(ReadQuantity, SaysWhatWasProbablyMeant) {
  const std::pair<const char*, const char*> kCases[] = {
      {"64MiB", "64Mi"},
      {"64mib", "64Mi"},
      {"64MB", "64M"},
      {"64 Mi", "64Mi"},
      {"64K", "64k"},
      {"64KB", "64k"},
      {"64b", "64"},
      {"64gi", "64Gi"},
      {"1.5Gi", "64Mi, 1Gi or a number of bytes"},
      {"", "64Mi, 1Gi or a number of bytes"},
      {"-1", "64Mi, 1Gi or a number of bytes"},
      {"Mi", "64Mi, 1Gi or a number of bytes"},
      {"64Ti", "64Mi, 1Gi or a number of bytes"},
  };
  for (const auto& [text, meant] : kCases) {
    const auto result = ReadQuantity(Text(text));
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().message(), std::string("not a quantity; write it as ") + meant)
        << text;
  }
}

TEST(ShowQuantity, UsesTheLargestUnitThatFits) {
  EXPECT_EQ(ShowQuantity(64u << 20), "64Mi");
  EXPECT_EQ(ShowQuantity(1u << 30), "1Gi");
  EXPECT_EQ(ShowQuantity(1536), "1536");
  EXPECT_EQ(ShowQuantity(0), "0");
}

TEST(ReadAddress, SplitsHostAndPort) {
  const std::pair<const char*, Address> kCases[] = {
      {"ms1", {"ms1", 5723}},
      {"ms1.example:1", {"ms1.example", 1}},
      {"10.0.0.1", {"10.0.0.1", 5723}},
      {"10.0.0.1:65535", {"10.0.0.1", 65535}},
      {"::1", {"::1", 5723}},
      {"[::1]", {"::1", 5723}},
      {"[fe80::1]:80", {"fe80::1", 80}},
  };
  for (const auto& [text, address] : kCases) EXPECT_EQ(ReadAddress(Text(text)), address) << text;
}

TEST(ReadAddress, RefusesWhatCannotBeDialled) {
  for (const char* text :
       {"", ":", ":80", "a:", "a:0", "a:65536", "a:+1", "a:1x", "[::1", "[::1]80", "[a]:80",
        "[10.0.0.1]:80", "::1::", "A", "a b", "a_b", "http://a", "[]:1"}) {
    EXPECT_FALSE(ReadAddress(Text(text))) << text;
  }
}

TEST(ReadHost, TakesLowerCaseLabelsOnly) {
  const std::string label(63, 'a');
  for (const std::string& host :
       {std::string("gw1"), std::string("a-b.c"), std::string("1.x"), label}) {
    EXPECT_EQ(ReadHost(Text(host)), host);
  }
  const std::string kLong = label + "." + label + "." + label + "." + label;  // 255
  for (const std::string& host :
       {std::string("gw1."), std::string(".gw1"), std::string("-a"), std::string("a-"), label + "a",
        kLong, std::string("*.a"), std::string("ä"), std::string("::1")}) {
    EXPECT_FALSE(ReadHost(Text(host))) << host;
  }
}

TEST(ReadEndpoint, KnowsItsSchemeAndPort) {
  const auto secure = ReadEndpoint(Text("https://collector/")).value();
  EXPECT_TRUE(secure.tls);
  EXPECT_EQ(secure.address, (Address{"collector", 4317}));
  const auto plain = ReadEndpoint(Text("http://[::1]:4319")).value();
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.address, (Address{"::1", 4319}));
  for (const char* text :
       {"", "grpc://a", "http://", "http://a/b", "http://u@a", "http://a?b", "http://a:"}) {
    EXPECT_FALSE(ReadEndpoint(Text(text))) << text;
  }
}

TEST(ReadFolderBelow, NeverLeavesTheFolder) {
  EXPECT_EQ(ReadFolderBelow(Text("a/b..c/..d")), "a/b..c/..d");
  for (const char* text :
       {"", "/", "/a", "..", "../a", "a/..", "a/../b", ".", "a//b", "a/", "./a"}) {
    EXPECT_FALSE(ReadFolderBelow(Text(text))) << text;
  }
}

TEST(Nearest, FindsTwoSlipsInALongWordAndNoneInAnother) {
  const std::string_view kWords[] = {"memory", "maxRecord", "key", "bind"};
  EXPECT_EQ(Nearest("memroy", kWords), "memory");
  EXPECT_EQ(Nearest("MaxRecrd", kWords), "maxRecord");
  EXPECT_EQ(Nearest("kye", kWords), "key");
  EXPECT_EQ(Nearest("kyz", kWords), "");
  EXPECT_EQ(Nearest("keys", kWords), "key");
  EXPECT_EQ(Nearest("volume", kWords), "");
}

}  // namespace
}  // namespace postern::config
