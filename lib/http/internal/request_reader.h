// Requests and answers as libmicrohttpd holds them, to and from ours.
#pragma once

#include <microhttpd.h>

#include <cstddef>
#include <string_view>

#include "lib/http/message.h"

namespace postern::http::internal {

// Returns everything but the body.
Request ReadHead(MHD_Connection* connection, const char* method, const char* path);

// Whether the head announces more than `most` bytes of body.
bool AnnouncesMoreThan(const Request& request, std::size_t most);

// Queues the answer; MHD_NO, upon which the connection is closed, where the library refuses it.
MHD_Result Queue(MHD_Connection* connection, const Response& response);

}  // namespace postern::http::internal
