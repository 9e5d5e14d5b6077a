#include "lib/yaml/node.h"

#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "lib/json/print.h"
#include "lib/yaml/parse.h"

namespace postern::yaml {
namespace {

TEST(Node, KnowsItsPlace) {
  const char* text =
      "name: gw1\n"
      "parents:\n"
      "- {name: ms1, host: 'x'}\n"
      "-\n"
      "  name: ms2\n"
      "queue:\n"
      "bind: \"\"\n";
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto documents, Parse(text, "gateway.yaml"));
  const Node& root = documents.at(0).root;
  EXPECT_EQ(root.Find("name")->value.mark(), (Mark{1, 7}));
  const Entry* parents = root.Find("parents");
  EXPECT_EQ(parents->mark, (Mark{2, 1}));
  EXPECT_EQ(parents->value.items()[0].Find("host")->value.mark(), (Mark{3, 21}));
  EXPECT_EQ(parents->value.items()[1].Find("name")->mark, (Mark{5, 3}));
  EXPECT_EQ(root.Find("queue")->value.mark(), (Mark{6, 1}));
  EXPECT_EQ(root.Find("bind")->value.mark(), (Mark{7, 7}));
  EXPECT_EQ(root.Find("host"), nullptr);
}

TEST(Node, BecomesJson) {
  const char* text =
      "{s: x, q: '7', n: 7, f: 1.5, huge: 1e999, t: true, none: ~, l: [1, {a: b}], m: {}}";
  POSTERN_ASSERT_OK_AND_ASSIGN(const auto documents, Parse(text, "x.yaml"));
  EXPECT_EQ(json::Print(ToJson(documents.at(0).root)),
            R"({"s":"x","q":"7","n":7,"f":1.5,"huge":"1e999","t":true,"none":null,)"
            R"("l":[1,{"a":"b"}],"m":{}})");
}

TEST(Node, NamesItsKindForPeople) { EXPECT_EQ(KindName(Kind::kMap), "a map"); }

}  // namespace
}  // namespace postern::yaml
