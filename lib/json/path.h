// Reads a field deep inside a Value, with an error that names it where it is not what was expected.
//
// A path is keys and indexes: "spec.parents[0].host". Keys that hold a dot or bracket cannot be
// named this way; Value::Find takes them.
//
//   ASSIGN_OR_RETURN(const std::string host, StringAt(gateway, "spec.host"));
//   … "spec.host: missing"   "spec.host: not a string but a number"   "spec: not an object but
//   null"
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/json/value.h"

namespace postern::json {

// Returns the value at `path`, which lives as long as `root`; the empty path is `root` itself.
// kNotFound where it, or what leads to it, is missing; kInvalid where something on the way is of
// another kind, or the path itself is malformed.
base::Result<const Value*> At(const Value& root, std::string_view path);

// As At; and kInvalid where the value there is of another kind or does not fit.
base::Result<std::string> StringAt(const Value& root, std::string_view path);
base::Result<bool> BoolAt(const Value& root, std::string_view path);
base::Result<std::int64_t> IntAt(const Value& root, std::string_view path);
base::Result<double> DoubleAt(const Value& root, std::string_view path);
base::Result<const Array*> ArrayAt(const Value& root, std::string_view path);
base::Result<const Object*> ObjectAt(const Value& root, std::string_view path);

}  // namespace postern::json
