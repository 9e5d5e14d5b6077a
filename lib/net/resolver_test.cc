#include "lib/net/resolver.h"

#include <gtest/gtest.h>

#include <optional>

#include "lib/base/testing/matchers.h"
#include "lib/net/testing/loopback.h"
#include "lib/pki/event.h"

namespace postern::net {
namespace {

using base::Code;
using base::HasCode;

TEST(Resolver, AnswersLaterInTheOrderOfTheQueries) {
  Loopback net;
  Resolver resolver(net.loop());
  std::string order;
  const auto first = resolver.Resolve(
      {"127.0.0.1", 1}, [&](Resolver::Addresses found) { order += found->front().text() + " "; });
  const auto second = resolver.Resolve(
      {"::1", 2}, [&](Resolver::Addresses found) { order += found->front().text(); });
  EXPECT_EQ(order, "") << "not from within the call";
  EXPECT_TRUE(net.RunUntil([&] { return order == "127.0.0.1:1 [::1]:2"; })) << order;
}

TEST(Resolver, TellsThatANameLeadsNowhere) {
  Loopback net;
  Resolver resolver(net.loop());
  std::optional<Resolver::Addresses> answer;
  const auto query = resolver.Resolve(
      {"nonexistent.invalid", 1}, [&](Resolver::Addresses found) { answer = std::move(found); });
  ASSERT_TRUE(net.RunUntil([&] { return answer.has_value(); }));
  EXPECT_THAT(*answer, HasCode(Code::kUnavailable));
  EXPECT_EQ(answer->error().event(), pki::event::kNameNotResolved);
  EXPECT_THAT(*answer, base::FailsWith("nonexistent.invalid"));
}

TEST(Resolver, ForgetsAQueryThatNobodyWaitsFor) {
  Loopback net;
  Resolver resolver(net.loop());
  bool called = false;
  bool done = false;
  resolver.Resolve({"127.0.0.1", 1}, [&](const Resolver::Addresses&) { called = true; }).reset();
  const auto kept =
      resolver.Resolve({"127.0.0.1", 2}, [&](const Resolver::Addresses&) { done = true; });
  ASSERT_TRUE(net.RunUntil([&] { return done; }));
  EXPECT_FALSE(called);
}

TEST(Resolver, MayGoWithItsQueries) {
  Loopback net;
  bool called = false;
  std::shared_ptr<void> query;
  {
    Resolver resolver(net.loop());
    query = resolver.Resolve({"127.0.0.1", 1}, [&](const Resolver::Addresses&) { called = true; });
    query.reset();
  }
  net.Settle();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace postern::net
