#include "lib/net/intake.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

namespace postern::net {
namespace {

constexpr Intake::Limits kSmall = {
    .connections = 5,
    .connections_for_each_address = 3,
    .handshakes = 4,
    .handshakes_for_each_address = 2,
};

// Admits `count` connections, in handshake or past it.
void Hold(Intake& intake, const std::string& address, int count, bool established,
          std::deque<Intake::Pass>& held) {
  for (int i = 0; i < count; ++i) {
    auto pass = intake.Admit(address);
    ASSERT_TRUE(pass) << address << " " << i;
    if (established) pass->Established();
    held.push_back(*std::move(pass));
  }
}

TEST(Intake, KeepsEachLimit) {
  struct Group {
    const char* address;
    int count;
    bool established;
  };
  struct Case {
    const char* when;
    std::vector<Group> held;
    const char* comes;
    bool then;
  };
  const Case cases[] = {
      {"nobody is there", {}, "a", true},
      {"an address has a handshake left", {{"a", 1, false}}, "a", true},
      {"an address shakes hands twice already", {{"a", 2, false}}, "a", false},
      {"another address does", {{"a", 2, false}}, "b", true},
      {"all handshakes are taken", {{"a", 2, false}, {"b", 2, false}}, "c", false},
      {"handshakes that are over count no more", {{"a", 2, true}}, "a", true},
      {"an address has its connections", {{"a", 3, true}}, "a", false},
      {"another address has its connections", {{"a", 3, true}}, "b", true},
      {"all connections are taken", {{"a", 3, true}, {"b", 2, true}}, "c", false},
  };
  for (const Case& row : cases) {
    Intake intake(kSmall);
    std::deque<Intake::Pass> held;
    for (const Group& group : row.held) {
      Hold(intake, group.address, group.count, group.established, held);
    }
    EXPECT_EQ(intake.Admit(row.comes).has_value(), row.then) << row.when;
  }
}

TEST(Intake, GivesAPlaceBackOnce) {
  Intake intake(kSmall);
  {
    auto pass = intake.Admit("a");
    pass->Established();
    pass->Established();
    const Intake::Pass moved = *std::move(pass);
    EXPECT_EQ(intake.connections(), 1U);
    EXPECT_EQ(intake.handshakes(), 0U);
  }
  EXPECT_EQ(intake.connections(), 0U);
  EXPECT_EQ(intake.handshakes(), 0U);
}

TEST(Intake, RefusalTakesNoPlace) {
  Intake intake({.connections = 1});
  const auto first = intake.Admit("a");
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(intake.Admit("b"));
  EXPECT_EQ(intake.connections(), 1U);
}

TEST(Intake, CountsRightInAnyOrder) {
  std::mt19937 random(11);
  Intake intake(kSmall);
  std::vector<std::optional<Intake::Pass>> held;
  for (int step = 0; step < 10'000; ++step) {
    const std::size_t at = held.empty() ? 0 : random() % held.size();
    const unsigned choice = random() % 3;
    if (choice == 0) {
      auto pass = intake.Admit(std::string(1, static_cast<char>('a' + random() % 4)));
      if (pass) held.emplace_back(std::move(pass));
    } else if (!held.empty() && choice == 1) {
      held[at]->Established();
    } else if (!held.empty()) {
      held[at].reset();
      std::vector<std::optional<Intake::Pass>> kept;
      for (auto& pass : held) {
        if (pass) kept.emplace_back(std::move(pass));
      }
      held.swap(kept);
    }
    ASSERT_EQ(intake.connections(), held.size()) << "step " << step;
    ASSERT_LE(intake.handshakes(), 4U) << "step " << step;
  }
  held.clear();
  EXPECT_EQ(intake.handshakes(), 0U);
}

}  // namespace
}  // namespace postern::net
