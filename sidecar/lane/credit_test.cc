#include "sidecar/lane/credit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace postern::lane {
namespace {

using record::MemoryBudget;

constexpr std::uint64_t kStanding = 16 * 1024;
constexpr std::uint64_t kMega = 1024 * 1024;

TEST(CreditGrantor, HoldsItsStandingCreditOnly) {
  MemoryBudget budget(kMega);
  {
    CreditGrantor grantor(budget, {.standing = kStanding}, [] {});
    EXPECT_EQ(grantor.total(), kStanding);
    EXPECT_EQ(budget.used(), kStanding);
    ASSERT_TRUE(grantor.Receive(kStanding));
    EXPECT_FALSE(grantor.Receive(1)) << "beyond what was granted";
    grantor.Release(kStanding);
    EXPECT_EQ(budget.used(), kStanding) << "the window slides on";
    EXPECT_EQ(grantor.unused(), kStanding);
  }
  EXPECT_EQ(budget.used(), 0U);
}

TEST(CreditGrantor, LeavesMostOfTheBudgetToThoseWhoAsk) {
  MemoryBudget budget(kMega);
  std::vector<std::unique_ptr<CreditGrantor>> idle;
  for (int i = 0; i < 1'000; ++i) {
    idle.push_back(std::make_unique<CreditGrantor>(
        budget, CreditGrantor::Options{.standing = kStanding}, [] {}));
  }
  EXPECT_EQ(budget.used(), kMega / 4);
  EXPECT_EQ(idle.back()->total(), 0U);
  idle.back()->Want({.total = kMega * 3 / 4});
  EXPECT_EQ(idle.back()->total(), kMega * 3 / 4);
  idle.clear();
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_EQ(CreditGrantor(budget, {.standing = kStanding}, [] {}).total(), kStanding);
}

TEST(CreditGrantor, GrantsNoMoreThanThereIsRoomFor) {
  MemoryBudget budget(kMega);
  std::uint64_t room = 100'000;
  CreditGrantor grantor(budget, {.standing = kStanding, .room = [&room] { return room; }}, [] {});
  grantor.Want({.total = 500'000});
  EXPECT_EQ(grantor.total(), 100'000U);
  ASSERT_TRUE(grantor.Receive(90'000));
  room = 10'000;
  grantor.Release(90'000);
  EXPECT_EQ(grantor.total(), 90'000U + kStanding) << "never less than the standing credit";
  room = 300'000;
  grantor.Retry();
  EXPECT_EQ(grantor.total(), 390'000U);
  EXPECT_EQ(grantor.Due(), 390'000U) << "the child is told, for it asked";
  room = kMega;
  grantor.Retry();
  EXPECT_EQ(grantor.total(), 590'000U) << "all that it wanted, from where it is now";
}

TEST(CreditGrantor, GivesEverythingBackWhenTheLinkEnds) {
  MemoryBudget budget(kMega);
  CreditGrantor other(budget, {.standing = kStanding}, [] {});
  {
    CreditGrantor grantor(budget, {.standing = kStanding}, [] {});
    grantor.Want({.total = 500'000});
    ASSERT_TRUE(grantor.Receive(300'000));
    grantor.Release(100'000);
    grantor.Want({.total = 2 * kMega});
    EXPECT_EQ(budget.waiting(), 1U);
  }
  EXPECT_EQ(budget.used(), kStanding);
  EXPECT_EQ(budget.waiting(), 0U);
}

TEST(CreditGrantor, GrantsNoMoreThanTheLargestWindow) {
  MemoryBudget budget(100 * kMega);
  CreditGrantor grantor(budget, {.standing = kStanding, .largest = kMega}, [] {});
  grantor.Want({.total = ~std::uint64_t{0}});
  EXPECT_EQ(grantor.total(), kMega);
}

TEST(CreditGrantor, TellsWhatIsWorthAFrame) {
  MemoryBudget budget(100 * kMega);
  CreditGrantor grantor(budget, {.standing = kStanding}, [] {});
  EXPECT_FALSE(grantor.Due()) << "Welcome tells the standing credit";
  grantor.Want({.total = kMega});
  EXPECT_EQ(grantor.Due(), kMega);
  EXPECT_FALSE(grantor.Due()) << "told already";
  ASSERT_TRUE(grantor.Receive(1000));
  grantor.Release(1000);
  EXPECT_FALSE(grantor.Due()) << "too little to be told";
  ASSERT_TRUE(grantor.Receive(400'000));
  grantor.Release(400'000);
  EXPECT_EQ(grantor.Due(), kMega + 401'000);
}

TEST(CreditGrantor, CannotBeMadeToGiveBackMoreThanIsUnused) {
  MemoryBudget budget(kMega);
  CreditGrantor grantor(budget, {.standing = kStanding}, [] {});
  ASSERT_TRUE(grantor.Receive(10'000));
  grantor.Want({.returned = ~std::uint64_t{0}});
  EXPECT_EQ(budget.used(), kStanding) << "in flight and granted anew: the window, no more";
  EXPECT_EQ(grantor.unused(), kStanding - 10'000);
  grantor.Release(10'000);
  EXPECT_EQ(budget.used(), kStanding);
}

// Otherwise a child that asked for little first would never get what its next record needs.
TEST(CreditGrantor, AsksForTheRestOnceItsFirstWishIsGranted) {
  MemoryBudget budget(kMega);
  int grown = 0;
  CreditGrantor grantor(budget, {.standing = kStanding}, [&] { ++grown; });
  ASSERT_TRUE(budget.TryTake(kMega - kStanding));
  grantor.Want({.total = 2 * kStanding});
  grantor.Want({.total = 500'000});
  EXPECT_EQ(grantor.total(), kStanding);
  budget.Give(kMega - kStanding);
  EXPECT_EQ(grantor.total(), 500'000U);
  EXPECT_GE(grown, 1);
}

TEST(CreditSpender, AsksOnceForWhatItNeeds) {
  CreditSpender spender(kStanding);
  EXPECT_FALSE(spender.Ask(1'000, 1'000)) << "the standing credit suffices";
  const auto ask = spender.Ask(100'000, 50'000);
  ASSERT_TRUE(ask);
  EXPECT_GE(ask->total, 100'000U);
  EXPECT_FALSE(spender.Ask(110'000, 50'000)) << "asked for already";
  spender.Grant(ask->total);
  EXPECT_EQ(spender.available(), ask->total);
  spender.Grant(ask->total - 1);
  EXPECT_EQ(spender.available(), ask->total) << "totals only rise";
}

TEST(CreditSpender, AsksForOneRecordHoweverLarge) {
  CreditSpender spender(kStanding);
  const auto ask = spender.Ask(16 * kMega, 16 * kMega);
  ASSERT_TRUE(ask);
  EXPECT_GE(ask->total, 16 * kMega);
}

TEST(CreditSpender, GivesBackAllButTheStandingCredit) {
  CreditSpender spender(kStanding);
  EXPECT_FALSE(spender.Return());
  spender.Grant(kMega);
  spender.Spend(1'000);
  const auto back = spender.Return();
  ASSERT_TRUE(back);
  EXPECT_EQ(back->returned, kMega - 1'000 - kStanding);
  EXPECT_EQ(spender.available(), kStanding);
  EXPECT_FALSE(spender.Return());
  EXPECT_TRUE(spender.Ask(100'000, 1)) << "and asks again when it needs more";
}

// === the whole: several children, one parent's budget ===

// A link as ParentLink and ChildLink run it, its frames delivered when the test says so.
struct Link {
  Link(MemoryBudget& budget, std::uint64_t largest)
      : grantor(budget, {.standing = kStanding, .largest = largest}, [this] { Tell(); }),
        spender(grantor.total()) {}

  void Tell() {
    if (const auto total = grantor.Due()) to_child.push_back(*total);
  }
  // The child sends what its credit allows, and asks for more.
  bool Send() {
    bool sent = false;
    while (!records.empty() && records.front() <= spender.available()) {
      spender.Spend(records.front());
      to_parent.push_back({.batch = records.front(), .credit = {}});
      records.pop_front();
      sent = true;
    }
    if (records.empty()) return sent;
    std::uint64_t pending = 0;
    for (const std::uint64_t record : records) pending += record;
    if (const auto ask = spender.Ask(pending, records.front()))
      to_parent.push_back({.credit = *ask});
    return sent;
  }
  void Return() {
    if (const auto back = spender.Return()) to_parent.push_back({.credit = *back});
  }
  void DeliverUp() {
    const Up up = to_parent.front();
    to_parent.pop_front();
    if (up.batch > 0) {
      ASSERT_TRUE(grantor.Receive(up.batch)) << "an honest child stays within its credit";
      held.push_back(up.batch);
    } else {
      grantor.Want(up.credit);
      Tell();
    }
  }
  void DeliverDown() {
    spender.Grant(to_child.front());
    to_child.pop_front();
  }
  void Release(std::size_t at) {
    const std::uint64_t bytes = held[at];
    held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    grantor.Release(bytes);
    Tell();
  }
  bool done() const { return records.empty() && to_parent.empty() && held.empty(); }

  struct Up {
    std::uint64_t batch = 0;
    Credit credit = {};
  };
  CreditGrantor grantor;
  CreditSpender spender;
  std::deque<std::uint64_t> records;
  std::deque<Up> to_parent;
  std::deque<std::uint64_t> to_child;
  std::vector<std::uint64_t> held;
};

class Shared {
 public:
  Shared(unsigned seed, std::uint64_t total, std::uint64_t largest)
      : random_(seed), budget_(total), largest_(largest) {}

  void Fill(std::size_t links, int records) {
    for (std::size_t i = 0; i < links; ++i) {
      links_.push_back(std::make_unique<Link>(budget_, largest_));
    }
    for (int i = 0; i < records; ++i) {
      const bool large = random_() % 8 == 0;
      const std::uint64_t size = 1 + random_() % (large ? largest_ : 3'000);
      links_[random_() % links]->records.push_back(size);
    }
  }

  // Steps in random order until all is sent; false where nothing moves any more.
  bool Run() {
    int idle = 0;
    for (int steps = 0; steps < 5'000'000; ++steps) {
      if (std::ranges::all_of(links_, [](const auto& link) { return link->done(); })) {
        return true;
      }
      if (Step(*links_[random_() % links_.size()])) {
        idle = 0;
      } else if (++idle % 1'000 == 0) {
        // Time passes: children that sent nothing for a while give back, as ParentLink::Tick does.
        for (const auto& link : links_) link->Return();
      }
      EXPECT_LE(budget_.used(), budget_.total());
    }
    return false;
  }

  std::vector<std::unique_ptr<Link>>& links() { return links_; }
  MemoryBudget& budget() { return budget_; }

 private:
  bool Step(Link& link) {
    switch (random_() % 6) {
      case 0: return link.Send();
      case 1:
        if (link.to_parent.empty()) return false;
        link.DeliverUp();
        return true;
      case 2:
        if (link.to_child.empty()) return false;
        link.DeliverDown();
        return false;  // a grant alone is no progress
      case 3:
      case 4:
        if (link.held.empty()) return false;
        link.Release(random_() % link.held.size());
        return true;
      default:
        if (random_() % 50 == 0) link.Return();
        return false;
    }
  }

  std::mt19937 random_;
  MemoryBudget budget_;
  std::uint64_t largest_;
  std::vector<std::unique_ptr<Link>> links_;
};

TEST(Credit, SendsEveryRecordInTheEndAndNeverGoesBeyondTheBudget) {
  struct Case {
    const char* when;
    std::uint64_t total;
    std::uint64_t largest;
    std::size_t links;
  };
  const Case cases[] = {
      {"one link with plenty", 64 * kMega, kMega, 1},
      {"ten links with plenty", 64 * kMega, kMega, 10},
      {"the largest record takes all but the standing credit", kMega, kMega * 3 / 4, 4},
      {"many links, each of whose records takes half", kMega, kMega / 2, 16},
      {"records that need a third and more each", kMega, kMega * 2 / 5, 3},
      {"more links than could stand on 16 KiB each", kMega, kMega * 3 / 4, 150},
  };
  for (const Case& row : cases) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
      Shared shared(seed, row.total, row.largest);
      shared.Fill(row.links, 300);
      ASSERT_TRUE(shared.Run()) << row.when << ", seed " << seed;
      shared.links().clear();
      EXPECT_EQ(shared.budget().used(), 0U) << row.when << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace postern::lane
