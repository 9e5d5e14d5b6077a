// KILL_POINT("child.ack-cursor"): a place between two steps where a test ends this process, as
// kill -9 or the kernel might: what is promised has to hold there too.
//
// Only in a build with POSTERN_KILLPOINTS: in any other it is nothing, and its name is not in the
// program (scripts/checks/release). With POSTERN_KILL_AT=child.ack-cursor in its environment the
// process kills itself the first time that it gets there, with …=child.ack-cursor:3 the third time.
//
// Threads: any.
#pragma once

#ifdef POSTERN_KILLPOINTS

#include <string_view>

namespace postern::base {
// Does not return where it is the point to die at: says so on stderr, then dies by SIGKILL.
void PassKillPoint(std::string_view name);
}  // namespace postern::base

#define KILL_POINT(name) ::postern::base::PassKillPoint(name)

#else

#define KILL_POINT(name) static_cast<void>(0)

#endif
