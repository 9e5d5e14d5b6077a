#include "lib/base/error.h"

namespace postern::base {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kInvalid: return "invalid";
    case Code::kNotFound: return "not_found";
    case Code::kConflict: return "conflict";
    case Code::kDenied: return "denied";
    case Code::kExpired: return "expired";
    case Code::kUnavailable: return "unavailable";
    case Code::kTimeout: return "timeout";
    case Code::kExhausted: return "exhausted";
    case Code::kCorrupt: return "corrupt";
    case Code::kCancelled: return "cancelled";
    case Code::kInternal: return "internal";
  }
  return "unknown";
}

bool IsRetryable(Code code) {
  return code == Code::kUnavailable || code == Code::kTimeout || code == Code::kExhausted ||
         code == Code::kConflict;
}

Error Error::In(std::string_view context) const {
  Error outer = *this;
  outer.message_ = std::string(context) + ": " + message_;
  return outer;
}

Error Error::As(int event) const {
  Error numbered = *this;
  numbered.event_ = event;
  return numbered;
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
  return out << CodeName(error.code()) << ": " << error.message();
}

}  // namespace postern::base
