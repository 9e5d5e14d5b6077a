#include "lib/json/value.h"

#include <limits>

#include <gtest/gtest.h>

namespace postern::json {
namespace {

TEST(Value, IsFoundByItsKey) {
  const Value object = Object{{"host", "gw1"}, {"port", 5723}};
  EXPECT_EQ(object.Find("port")->AsInt(), 5723);
  EXPECT_EQ(object.Find("name"), nullptr);
  EXPECT_EQ(object.Find("host")->Find("x"), nullptr);
}

TEST(Value, TellsItsKind) {
  EXPECT_EQ(Value().kind(), Kind::kNull);
  EXPECT_EQ(Value(true).kind(), Kind::kBool);
  EXPECT_EQ(Value(1u).kind(), Kind::kNumber);
  EXPECT_EQ(Value(1.5).kind(), Kind::kNumber);
  EXPECT_EQ(Value("x").kind(), Kind::kString);
  EXPECT_EQ(Value(Array{}).kind(), Kind::kArray);
  EXPECT_EQ(Value(Object{}).kind(), Kind::kObject);
  EXPECT_EQ(KindName(Kind::kArray), "an array");
}

TEST(Value, GivesNumbersOnlyWhereTheyFit) {
  constexpr auto kLargest = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(Value(kLargest).AsUint(), kLargest);
  EXPECT_EQ(Value(kLargest).AsInt(), std::nullopt);
  EXPECT_EQ(Value(-1).AsUint(), std::nullopt);
  EXPECT_EQ(Value(7).AsUint(), 7u);
  EXPECT_EQ(Value(-1).AsDouble(), -1.0);
  EXPECT_EQ(Value(kLargest).AsDouble(), 18446744073709551616.0);
  EXPECT_EQ(Value("7").AsInt(), std::nullopt);
  EXPECT_EQ(Value("true").AsBool(), std::nullopt);
}

TEST(Value, ComparesNumbersByWorthNotBySign) {
  EXPECT_EQ(Value(7), Value(7u));
  EXPECT_NE(Value(7), Value(7.0));
}

TEST(Value, GrowsFromNull) {
  Value value;
  value.Set("hosts", Value().Append("a").Append("b")).Set("port", 1).Set("port", 2);
  const Value expected = Object{{"hosts", Array{"a", "b"}}, {"port", 2}};
  EXPECT_EQ(value, expected);
}

TEST(ValueDeathTest, TakesNoMembersUnlessItIsAnObject) {
  Value text = "x";
  EXPECT_DEATH(text.Set("a", 1), "only an object takes members");
  EXPECT_DEATH(text.Append(1), "only an array takes items");
}

}  // namespace
}  // namespace postern::json
