// Result<T>: a value or an Error. Our functions return it instead of throwing.
//
//   Result<Config> LoadConfig(const std::string& path);
//   ASSIGN_OR_RETURN(const Config config, LoadConfig(path));
//   RETURN_IF_ERROR(Validate(config));
//
// The shape is that of std::expected, so that a later move to it is mechanical.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "lib/base/error.h"

namespace postern::base {

template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  // NOLINTNEXTLINE(google-explicit-constructor): `return Fail(…)` is what makes it readable.
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

using Status = Result<void>;

// Returns an Error with this code: `return Fail(Code::kNotFound, "no parent named " + name)`.
inline Error Fail(Code code, std::string message) { return Error(code, std::move(message)); }

}  // namespace postern::base

#define POSTERN_CONCAT_INNER(a, b) a##b
#define POSTERN_CONCAT(a, b) POSTERN_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)              \
  do {                                           \
    auto status_or_error = (expression);         \
    if (!status_or_error) [[unlikely]]           \
      return std::move(status_or_error).error(); \
  } while (false)

#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(POSTERN_CONCAT(result_, __LINE__), declaration, expression)

#define ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                   \
  if (!result) [[unlikely]]                                     \
    return std::move(result).error();                           \
  declaration = *std::move(result)
