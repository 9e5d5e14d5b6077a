// GoogleTest matchers for Result: EXPECT_THAT(Load(path), IsOk()), HasCode(Code::kExpired).
#pragma once

#include <gmock/gmock.h>

#include "lib/base/result.h"

namespace postern::base {

MATCHER(IsOk, "is a value") {
  if (arg) return true;
  *result_listener << arg.error();
  return false;
}

MATCHER_P(IsOkAndHolds, value, "is a value that matches") {
  if (arg) return testing::ExplainMatchResult(value, *arg, result_listener);
  *result_listener << arg.error();
  return false;
}

MATCHER_P(HasCode, code, "is an error with this code") {
  if (arg) return false;
  *result_listener << arg.error();
  return arg.error().code() == code;
}

MATCHER_P(FailsWith, text, "is an error whose message holds this text") {
  if (arg) return false;
  *result_listener << arg.error();
  return arg.error().message().find(text) != std::string::npos;
}

}  // namespace postern::base

#define POSTERN_ASSERT_OK_AND_ASSIGN(declaration, expression) \
  POSTERN_ASSERT_OK_INNER(POSTERN_CONCAT(checked_, __LINE__), declaration, expression)
#define POSTERN_ASSERT_OK_INNER(result, declaration, expression) \
  auto result = (expression);                                    \
  ASSERT_THAT(result, ::postern::base::IsOk());                  \
  declaration = *std::move(result)
