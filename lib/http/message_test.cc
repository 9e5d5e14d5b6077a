#include "lib/http/message.h"

#include <gtest/gtest.h>

namespace postern::http {
namespace {

TEST(Request, FindsAHeaderWhateverItsCase) {
  const Request request = {.headers = {{"Content-Type", "text/plain"}, {"content-type", "other"}}};
  EXPECT_EQ(request.Header("content-TYPE"), "text/plain");
  EXPECT_EQ(request.Header("Content-Typ"), std::nullopt);
}

TEST(Request, TellsAnEmptyParameterFromNone) {
  const Request request = {.query = {{"verbose", ""}, {"a", "b"}}};
  EXPECT_EQ(request.Parameter("verbose"), "");
  EXPECT_EQ(request.Parameter("a"), "b");
  EXPECT_EQ(request.Parameter("A"), std::nullopt);
}

}  // namespace
}  // namespace postern::http
