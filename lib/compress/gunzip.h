// Undoes gzip on whole messages from outside, within a bound that holds however little came in.
//
// For bodies that are all there (a gRPC message, an HTTP body); not a stream filter, and it does
// not compress.
//
//   Gunzipper gunzipper;   // one for each thread
//   ASSIGN_OR_RETURN(base::Bytes body, gunzipper.Gunzip(message, max_record));
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/result.h"

namespace postern::compress {

// Returns the size that the last four bytes of a gzip member claim (RFC 1952, ISIZE), or 0 where
// it cannot be true of a message of at most `max_out` bytes. A hint: with several members it is the
// last one's, and anybody can write anything there. Threads: any.
std::size_t ClaimedSize(std::string_view in, std::size_t max_out);

// Keeps zlib's state from message to message, which is most of the cost of a small one.
//
// Threads: loop.
class Gunzipper {
 public:
  Gunzipper();
  ~Gunzipper();
  Gunzipper(const Gunzipper&) = delete;
  Gunzipper& operator=(const Gunzipper&) = delete;

  // Returns what `in`, one gzip member or several in a row, holds. kCorrupt: it is not that, is cut
  // short, fails its checksum or is followed by other bytes. kExhausted: more than `max_out` bytes
  // would come out. Never uses more memory than `max_out` + 64 KiB.
  base::Result<base::Bytes> Gunzip(std::string_view in, std::size_t max_out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postern::compress
