#include "sidecar/lane/output.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace postern::lane {
namespace {

using base::Bytes;

TEST(Output, KeepsTheOrderOfTextAndBytes) {
  Output output;
  output.text() += "one ";
  output.text() += "two ";
  output.Append(Bytes::Copy("three "));
  output.text() += "four";
  output.Append({});
  EXPECT_EQ(output.size(), 18U);
  std::string out = "> ";
  output.Take(18, out);
  EXPECT_EQ(out, "> one two three four");
  EXPECT_TRUE(output.empty());
}

TEST(Output, TakesPartsOfAnySizeWhileMoreComes) {
  std::mt19937 random(3);
  Output output;
  std::string given;
  std::string taken;
  for (int step = 0; step < 20'000; ++step) {
    const std::string some(random() % 20, static_cast<char>('a' + step % 26));
    switch (random() % 3) {
      case 0: output.text() += some; break;
      case 1: output.Append(Bytes::Copy(some)); break;
      default: output.Take(random() % (output.size() + 1), taken); continue;
    }
    given += some;
    ASSERT_EQ(output.size(), given.size() - taken.size());
  }
  output.Take(output.size(), taken);
  EXPECT_EQ(taken, given);
}

TEST(Output, TakingNothingIsAllowed) {
  Output output;
  std::string out;
  output.Take(0, out);
  EXPECT_EQ(out, "");
}

TEST(OutputDeathTest, TakingMoreThanThereIsIsABug) {
  Output output;
  output.text() += "abc";
  std::string out;
  EXPECT_DEATH(output.Take(4, out), "asked for what it has");
}

}  // namespace
}  // namespace postern::lane
