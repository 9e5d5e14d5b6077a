#include "lib/json/path.h"

#include <charconv>

namespace postern::json {
namespace {

using base::Code;
using base::Error;
using base::Fail;
using base::Result;

Error WrongKind(std::string_view path, std::string_view expected, const Value& found) {
  return Fail(Code::kInvalid, std::string(path.empty() ? "the document" : path) + ": not " +
                                  std::string(expected) + " but " +
                                  std::string(KindName(found.kind())));
}

Error Malformed(std::string_view path) {
  return Fail(Code::kInvalid, "malformed path \"" + std::string(path) + "\"");
}

// Walks one path step by step. `done_` of its characters lead to `here_`.
class Walk {
 public:
  Walk(const Value& root, std::string_view path) : path_(path), here_(&root) {}

  Result<const Value*> ToEnd() {
    while (done_ < path_.size()) {
      RETURN_IF_ERROR(path_[done_] == '[' ? ToItem() : ToMember());
    }
    return here_;
  }

 private:
  std::string_view Passed() const { return path_.substr(0, done_); }

  base::Status ToMember() {
    std::size_t start = done_;
    if (start > 0) {
      if (path_[start] != '.') return Malformed(path_);
      ++start;
    }
    const std::size_t end = std::min(path_.find_first_of(".[", start), path_.size());
    const std::string_view key = path_.substr(start, end - start);
    if (key.empty()) return Malformed(path_);
    if (here_->AsObject() == nullptr) return WrongKind(Passed(), "an object", *here_);
    return Enter(end, here_->Find(key));
  }

  base::Status ToItem() {
    const std::size_t end = path_.find(']', done_);
    if (end == std::string_view::npos) return Malformed(path_);
    std::size_t index = 0;
    const auto [stop, error] = std::from_chars(path_.data() + done_ + 1, path_.data() + end, index);
    if (error != std::errc() || stop != path_.data() + end) return Malformed(path_);
    const Array* items = here_->AsArray();
    if (items == nullptr) return WrongKind(Passed(), "an array", *here_);
    return Enter(end + 1, index < items->size() ? &(*items)[index] : nullptr);
  }

  base::Status Enter(std::size_t end, const Value* next) {
    done_ = end;
    if (next == nullptr) return Fail(Code::kNotFound, std::string(Passed()) + ": missing");
    here_ = next;
    return {};
  }

  std::string_view path_;
  std::size_t done_ = 0;
  const Value* here_;
};

// Turns what an accessor of Value gave into a Result: an empty optional or pointer is another kind.
template <typename T, typename Found>
Result<T> Expect(const Value& value, std::string_view path, std::string_view kind,
                 const Found& found) {
  if (!found) return WrongKind(path, kind, value);
  if constexpr (std::is_convertible_v<Found, T>) {
    return T(found);
  } else {
    return T(*found);
  }
}

}  // namespace

Result<const Value*> At(const Value& root, std::string_view path) {
  return Walk(root, path).ToEnd();
}

Result<std::string> StringAt(const Value& root, std::string_view path) {
  ASSIGN_OR_RETURN(const Value* value, At(root, path));
  return Expect<std::string>(*value, path, "a string", value->AsString());
}

Result<bool> BoolAt(const Value& root, std::string_view path) {
  ASSIGN_OR_RETURN(const Value* value, At(root, path));
  return Expect<bool>(*value, path, "true or false", value->AsBool());
}

Result<std::int64_t> IntAt(const Value& root, std::string_view path) {
  ASSIGN_OR_RETURN(const Value* value, At(root, path));
  return Expect<std::int64_t>(*value, path, "a whole number", value->AsInt());
}

Result<double> DoubleAt(const Value& root, std::string_view path) {
  ASSIGN_OR_RETURN(const Value* value, At(root, path));
  return Expect<double>(*value, path, "a number", value->AsDouble());
}

Result<const Array*> ArrayAt(const Value& root, std::string_view path) {
  ASSIGN_OR_RETURN(const Value* value, At(root, path));
  return Expect<const Array*>(*value, path, "an array", value->AsArray());
}

Result<const Object*> ObjectAt(const Value& root, std::string_view path) {
  ASSIGN_OR_RETURN(const Value* value, At(root, path));
  return Expect<const Object*>(*value, path, "an object", value->AsObject());
}

}  // namespace postern::json
