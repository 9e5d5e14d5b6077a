// LegalHeaders: what of a caller's metadata may go onto the wire.
//
// gRPC aborts the program over a name or value that HTTP/2 does not allow; ours come from clients.
//
// Threads: any.
#pragma once

#include "lib/rpc/metadata.h"

namespace postern::rpc::internal {

// Returns the headers that may be sent, in their order; the values of "-bin" names are decoded from
// base64, which gRPC puts on again. Left out: names of HTTP/2 and gRPC itself, names with other
// letters than a-z, 0-9, '-', '_', '.', values with other than printable ASCII, and bad base64.
Metadata LegalHeaders(const Metadata& headers);

}  // namespace postern::rpc::internal
