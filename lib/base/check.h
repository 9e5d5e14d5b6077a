// CHECK: stops the program where an invariant of ours is broken.
//
// For bugs only. What the environment can cause (input, network, disk) is a Result, never a CHECK.
//
//   CHECK(sequence > floor_, "acknowledged records are never sent again");
#pragma once

#include <source_location>

namespace postern::base {

// Prints the condition, the reason and the place to stderr, then aborts.
[[noreturn]] void CheckFailed(const char* condition, const char* why, std::source_location where);

}  // namespace postern::base

// `why` tells what holds when the condition is true.
#define CHECK(condition, why)                                                           \
  do {                                                                                  \
    if (!(condition)) [[unlikely]]                                                      \
      ::postern::base::CheckFailed(#condition, (why), std::source_location::current()); \
  } while (false)
