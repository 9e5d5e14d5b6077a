#include "lib/pki/event.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace postern::pki {
namespace {

TEST(Events, AreSortedWithOneNumberAndOneWordEach) {
  EXPECT_TRUE(std::ranges::is_sorted(kEvents, std::ranges::less_equal{}, &Event::number));
  std::set<std::string_view> reasons;
  for (const Event& event : kEvents) {
    EXPECT_TRUE(reasons.insert(event.reason).second) << event.reason;
    EXPECT_EQ(FindEvent(event.number), &event);
    EXPECT_FALSE(event.meaning.empty());
  }
}

TEST(Events, AreFoundByTheirAliases) {
  EXPECT_EQ(FindEvent(20001)->number, event::kNotRegistered);
  EXPECT_EQ(FindEvent(20077)->number, event::kPrivateKeyMissing);
  EXPECT_EQ(FindEvent(21036)->number, event::kPrivateKeyMissing);
  EXPECT_EQ(FindEvent(21022)->number, event::kNoCertificate);
}

TEST(Events, OfOtherCataloguesAreNotFound) {
  for (const int number : {0, -1, 19999, 20071 + 100, 61015}) {
    EXPECT_EQ(FindEvent(number), nullptr) << number;
  }
}

}  // namespace
}  // namespace postern::pki
