#include "sidecar/relay/origin_line.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

namespace postern::relay {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

OriginLine Waiting(int records) {
  OriginLine line;
  for (int i = 1; i <= records; ++i) line.Add(static_cast<std::uint64_t>(i));
  return line;
}

// Plays a backend that merges up to `merged` and refuses what `refuses` holds. Returns what came
// out of it: "1" taken, "1p" parked, "1f" at fault, "(1+2)" refused.
struct Backend {
  std::size_t merged = 1;
  std::vector<std::uint64_t> refuses = {};
  std::vector<std::uint64_t> faults = {};
  bool is_down = false;
  bool may_park = true;

  bool Has(const std::vector<std::uint64_t>& some, const OriginLine& line, std::size_t first,
           std::size_t count) const {
    for (std::size_t i = first; i < first + count; ++i) {
      if (std::ranges::find(some, line.at(i)) != some.end()) return true;
    }
    return false;
  }
  std::string Request(OriginLine& line) const {
    const std::size_t first = line.first();
    const std::size_t count = line.alone() ? 1 : std::min(merged, line.size() - first);
    std::string text = std::to_string(line.at(first));
    for (std::size_t i = 1; i < count; ++i) text += "+" + std::to_string(line.at(first + i));
    line.Request(count);
    if (is_down || Has(refuses, line, first, count)) {
      line.OnRefused(may_park);
      return "(" + text + ") ";
    }
    if (Has(faults, line, first, count))
      return line.OnFault().done.empty() ? "(" + text + ") " : text + "f ";
    const OriginLine::End end = line.OnTaken();
    if (end.parked) text += " " + std::to_string(*end.parked) + "p";
    return text + " ";
  }
  std::string Play(OriginLine& line, int requests) const {
    std::string all;
    for (int i = 0; i < requests && !line.empty(); ++i) all += Request(line);
    return all;
  }
};

std::string Times(int times, const std::string& text) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(OriginLine, DecidesWhatGoesNext) {
  struct Case {
    const char* when;
    int records;
    Backend backend;
    int requests;
    std::string then;
  };
  const std::string patience = Times(OriginLine::kPatience, "(1) ");
  const Case cases[] = {
      {"all are taken", 3, {}, 9, "1 2 3 "},
      {"neighbours are merged", 5, {.merged = 2}, 9, "1+2 3+4 5 "},
      {"the head is refused less than that often", 3, {.refuses = {1}}, 15, Times(15, "(1) ")},
      {"the head is refused and the one behind is taken",
       3,
       {.refuses = {1}},
       18,
       patience + "2 1p 3 "},
      {"one in the middle is refused", 3, {.refuses = {2}}, 19, "1 " + Times(16, "(2) ") + "3 2p "},
      {"the backend is down: turn by turn",
       3,
       {.is_down = true},
       20,
       patience + "(2) (1) (2) (1) "},
      {"nobody is behind", 1, {.refuses = {1}}, 20, Times(20, "(1) ")},
      {"nothing may be parked", 3, {.refuses = {1}, .may_park = false}, 20, Times(20, "(1) ")},
      {"two are refused: neither is known to be the one",
       3,
       {.refuses = {1, 2}},
       19,
       patience + "(2) (1) (2) "},
      {"a fault is found among those merged",
       4,
       {.merged = 4, .faults = {2}},
       9,
       "(1+2+3+4) 1 2f 3 4 "},
      {"one that is refused is found among those merged, and none is tried as often again",
       4,
       {.merged = 3, .refuses = {2}},
       30,
       Times(16, "(1+2+3) ") + "1 (2) 3 2p 4 "},
      {"the first is refused among those merged",
       3,
       {.merged = 3, .refuses = {1}},
       30,
       Times(16, "(1+2+3) ") + "(1) 2 1p 3 "},
      {"the one behind is at fault: that tells nothing of the head",
       4,
       {.refuses = {1}, .faults = {2}},
       30,
       patience + "2f 3 1p 4 "},
      {"the last behind is at fault",
       2,
       {.refuses = {1}, .faults = {2}},
       19,
       patience + "2f (1) (1) "},
  };
  for (const Case& row : cases) {
    OriginLine line = Waiting(row.records);
    EXPECT_EQ(row.backend.Play(line, row.requests), row.then) << row.when;
  }
}

TEST(OriginLine, GoesBackToMergingBehindWhatItFound) {
  OriginLine line = Waiting(3);
  Backend{.merged = 3, .faults = {1}}.Play(line, 4);
  EXPECT_TRUE(line.empty());
  for (std::uint64_t i = 4; i <= 6; ++i) line.Add(i);
  EXPECT_EQ((Backend{.merged = 3}.Play(line, 9)), "4+5+6 ");
}

TEST(OriginLine, BeginsToCountAnewWhereTheHeadWasDropped) {
  OriginLine line = Waiting(3);
  const Backend down{.is_down = true};
  down.Play(line, OriginLine::kPatience);
  EXPECT_EQ(line.first(), 1U);
  line.DropFront();
  EXPECT_EQ(line.first(), 0U);
  EXPECT_FALSE(line.is_refused());
  EXPECT_EQ(down.Play(line, 16), Times(16, "(2) "));
  EXPECT_EQ(down.Play(line, 1), "(3) ");
}

TEST(OriginLine, TriesTheHeadWhereTheOneBehindMayNotGo) {
  OriginLine line = Waiting(2);
  Backend{.is_down = true}.Play(line, OriginLine::kPatience);
  line.Hold();
  EXPECT_EQ(Backend{}.Play(line, 2), "1 2 ");
}

TEST(OriginLine, SaysWhatLeftIt) {
  OriginLine line = Waiting(3);
  line.Request(2);
  EXPECT_TRUE(line.is_out());
  const OriginLine::End end = line.OnTaken();
  EXPECT_THAT(end.done, ElementsAre(1, 2));
  EXPECT_FALSE(end.parked);
  EXPECT_FALSE(line.is_out());
  line.Request(1);
  EXPECT_THAT(line.OnFault().done, ElementsAre(3));
  EXPECT_TRUE(line.empty());
  line.Add(4);
  line.Add(5);
  line.Request(2);
  EXPECT_THAT(line.OnFault().done, IsEmpty());
}

}  // namespace
}  // namespace postern::relay
