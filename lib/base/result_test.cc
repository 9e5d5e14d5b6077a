#include "lib/base/result.h"

#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"

namespace postern::base {
namespace {

Result<int> Half(int number) {
  if (number % 2 != 0) return Fail(Code::kInvalid, "halving " + std::to_string(number));
  return number / 2;
}

Result<int> Quarter(int number) {
  ASSIGN_OR_RETURN(const int half, Half(number));
  return Half(half);
}

Status CheckEven(int number) {
  RETURN_IF_ERROR(Half(number));
  return {};
}

TEST(Result, HandsTheValueOn) { EXPECT_EQ(Quarter(8).value(), 2); }

TEST(Result, HandsTheFirstErrorOn) {
  EXPECT_THAT(Quarter(7), HasCode(Code::kInvalid));
  EXPECT_THAT(Quarter(6), FailsWith("halving 3"));
  EXPECT_THAT(CheckEven(3), FailsWith("halving 3"));
  EXPECT_THAT(CheckEven(4), IsOk());
}

TEST(Error, GathersContextOutward) {
  const Error error = Fail(Code::kNotFound, "open roots.crt").In("reading group east").As(20066);
  EXPECT_EQ(error.message(), "reading group east: open roots.crt");
  EXPECT_EQ(error.event(), 20066);
  EXPECT_EQ(error.code(), Code::kNotFound);
}

TEST(Error, OnlyPassingTroubleIsRetried) {
  EXPECT_TRUE(IsRetryable(Code::kUnavailable));
  EXPECT_TRUE(IsRetryable(Code::kExhausted));
  EXPECT_FALSE(IsRetryable(Code::kInvalid));
  EXPECT_FALSE(IsRetryable(Code::kDenied));
}

}  // namespace
}  // namespace postern::base
