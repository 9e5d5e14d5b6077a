#include "lib/json/path.h"

#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "lib/json/parse.h"
#include "lib/json/print.h"

namespace postern::json {
namespace {

using base::Code;

const Value kGateway =
    Parse(R"({"spec": {"host": "gw1", "port": 5723, "cordoned": false, "load": 0.5,
                                 "parents": [{"name": "ms1"}, {"name": "ms2"}], "queue": null}})")
        .value();

TEST(Path, ReadsWhatIsThere) {
  EXPECT_EQ(StringAt(kGateway, "spec.host").value(), "gw1");
  EXPECT_EQ(StringAt(kGateway, "spec.parents[1].name").value(), "ms2");
  EXPECT_EQ(IntAt(kGateway, "spec.port").value(), 5723);
  EXPECT_EQ(BoolAt(kGateway, "spec.cordoned").value(), false);
  EXPECT_EQ(DoubleAt(kGateway, "spec.load").value(), 0.5);
  EXPECT_EQ(DoubleAt(kGateway, "spec.port").value(), 5723.0);
  EXPECT_EQ(ArrayAt(kGateway, "spec.parents").value()->size(), 2u);
  EXPECT_EQ(ObjectAt(kGateway, "spec").value()->size(), 6u);
  EXPECT_EQ(At(kGateway, "").value(), &kGateway);
}

TEST(Path, ServesTheExampleOfTheReadme) {
  const auto answer = []() -> base::Result<std::string> {
    ASSIGN_OR_RETURN(const Value gateway, Parse(R"({"spec": {"parents": [{"name": "ms1"}]}})"));
    ASSIGN_OR_RETURN(const std::string name, StringAt(gateway, "spec.parents[0].name"));
    Value value;
    value.Set("parent", name).Set("port", 5723);
    return Print(value);
  };
  EXPECT_EQ(answer(), R"({"parent":"ms1","port":5723})");
}

struct Refusal {
  const char* when;
  const char* path;
  Code code;
  const char* then;
};

const Refusal kRefusals[] = {
    {"the field is missing", "spec.name", Code::kNotFound, "spec.name: missing"},
    {"what leads there is missing", "status.host.name", Code::kNotFound, "status: missing"},
    {"the list is too short", "spec.parents[2].name", Code::kNotFound, "spec.parents[2]: missing"},
    {"the field is of another kind", "spec.port", Code::kInvalid,
     "spec.port: not a string but a number"},
    {"the way leads through null", "spec.queue.ack", Code::kInvalid,
     "spec.queue: not an object but null"},
    {"the way takes an object for a list", "spec[0]", Code::kInvalid,
     "spec: not an array but an object"},
    {"a key of the path is empty", "spec..host", Code::kInvalid, "malformed path \"spec..host\""},
    {"an index of the path is no number", "spec.parents[x]", Code::kInvalid, "malformed path"},
    {"an index of the path is not closed", "spec.parents[0", Code::kInvalid, "malformed path"},
    {"a dot is missing behind an index", "spec.parents[0]name", Code::kInvalid, "malformed path"},
};

TEST(Path, SaysWhatIsWrongAndWhere) {
  for (const Refusal& row : kRefusals) {
    SCOPED_TRACE(row.when);
    EXPECT_THAT(StringAt(kGateway, row.path), base::HasCode(row.code));
    EXPECT_THAT(StringAt(kGateway, row.path), base::FailsWith(row.then));
  }
}

TEST(Path, NamesTheKindThatWasExpected) {
  EXPECT_THAT(IntAt(kGateway, "spec.load"), base::FailsWith("not a whole number but a number"));
  EXPECT_THAT(BoolAt(kGateway, "spec.host"), base::FailsWith("not true or false but a string"));
  EXPECT_THAT(DoubleAt(kGateway, "spec"), base::FailsWith("spec: not a number but an object"));
  EXPECT_THAT(ArrayAt(kGateway, ""), base::FailsWith("the document: not an array but an object"));
  EXPECT_THAT(ObjectAt(kGateway, "spec.parents"), base::FailsWith("not an object but an array"));
}

}  // namespace
}  // namespace postern::json
