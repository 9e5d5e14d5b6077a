// What went wrong, said once: a code that tells the caller what to do, and a sentence for people.
//
// Messages are lower case without a full stop and name what was attempted and on what. Context is
// added outward: `reading roots of group east: open /etc/…: no such file`.
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace postern::base {

// Each code answers what the caller should do about it.
enum class Code : std::uint8_t {
  kInvalid,      // mend the input; the same call fails again
  kNotFound,     // it does not exist
  kConflict,     // somebody else changed or owns it: read again, then decide
  kDenied,       // this caller may not
  kExpired,      // it was valid once: renew it
  kUnavailable,  // try again, here or elsewhere
  kTimeout,      // no answer in time: the outcome is unknown
  kExhausted,    // a bound was reached: try again later, slower
  kCorrupt,      // stored or received bytes are damaged
  kCancelled,    // the caller gave up
  kInternal,     // a fault of ours that did not need an abort
};

// Returns the code's name as logs and metrics show it: "unavailable".
std::string_view CodeName(Code code);

// Whether the same call may succeed later without anybody changing anything. The only retry test.
bool IsRetryable(Code code);

class Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // The number of this finding in the event catalogue; 0 where it has none.
  int event() const { return event_; }

  // Returns this error with `context` in front: `context: message`.
  Error In(std::string_view context) const;
  // Returns this error under an event number.
  Error As(int event) const;

  bool operator==(const Error&) const = default;

 private:
  Code code_;
  int event_ = 0;
  std::string message_;
};

std::ostream& operator<<(std::ostream& out, const Error& error);

}  // namespace postern::base
