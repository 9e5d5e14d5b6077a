#include "lib/json/print.h"

#include <cmath>

#include <gtest/gtest.h>

#include "lib/json/parse.h"

namespace postern::json {
namespace {

const Value kSample = Object{{"host", "gw1"},   {"ports", Array{4317, 5723}},
                             {"none", Array{}}, {"empty", Object{}},
                             {"on", true},      {"queue", nullptr}};

TEST(Print, WritesOneLineWhenCompact) {
  EXPECT_EQ(Print(kSample),
            R"({"host":"gw1","ports":[4317,5723],"none":[],"empty":{},"on":true,"queue":null})");
}

TEST(Print, WritesOneMemberALineWhenIndented) {
  EXPECT_EQ(Print(kSample, Layout::kIndented),
            "{\n"
            "  \"host\": \"gw1\",\n"
            "  \"ports\": [\n"
            "    4317,\n"
            "    5723\n"
            "  ],\n"
            "  \"none\": [],\n"
            "  \"empty\": {},\n"
            "  \"on\": true,\n"
            "  \"queue\": null\n"
            "}");
}

TEST(Print, IsReadBackAsTheSameValue) {
  const Value value = Array{kSample, "quote \" slash \\ line \n nul \x01 ü",   -1, 0.1, 1e300,
                            2.0,     std::numeric_limits<std::uint64_t>::max()};
  EXPECT_EQ(Parse(Print(value)).value(), value);
  EXPECT_EQ(Parse(Print(value, Layout::kIndented)).value(), value);
}

TEST(Print, ReplacesWhatJsonDoesNotHave) {
  EXPECT_EQ(Print("\xff"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(Print(std::nan("")), "null");
  EXPECT_EQ(Print(HUGE_VAL), "null");
}

}  // namespace
}  // namespace postern::json
