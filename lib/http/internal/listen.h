// A socket that listens, or the reason in words why there is none.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace postern::http::internal {

struct Listening {
  int fd;  // close-on-exec, does not block; the caller closes it
  int port;
};

// Codes: those of Server::Start.
base::Result<Listening> Listen(const std::string& address, int port);

}  // namespace postern::http::internal
