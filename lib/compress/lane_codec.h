// Compresses the batches of a lane with zstd, each against the plain text that went before it.
//
// Each batch is a frame of its own, so a lane keeps no zstd context (1 MB each), only its
// LaneHistory; the contexts belong to the thread. A frame names neither its raw size nor a
// checksum: the lane's own frame header does.
//
//   LaneCodec codec;                                         // one for each thread
//   const bool smaller = codec.Compress(history, plain, frame) > 0;   // else send `plain` as it is
//   RETURN_IF_ERROR(codec.Decompress(history, frame, raw_size, out));
//   history.Append(plain);                                   // both ends, where it went compressed
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/compress/lane_history.h"

namespace postern::compress {

// Threads: loop.
class LaneCodec {
 public:
  LaneCodec();
  ~LaneCodec();
  LaneCodec(const LaneCodec&) = delete;
  LaneCodec& operator=(const LaneCodec&) = delete;

  // Appends the frame of `plain` to `out` and returns its size, or appends nothing and returns 0
  // where it would not be smaller than `plain`. `history` is the lane's before this batch.
  std::size_t Compress(const LaneHistory& history, std::string_view plain, std::string& out);

  // Writes what `frame` holds to `out`, which has room for `raw_size` bytes: all of them are
  // written, or it is kCorrupt and their content is undefined. `history` is equal to the one that
  // the frame was made with; zstd cannot tell, so check the plain text against the lane's checksum.
  base::Status Decompress(const LaneHistory& history, std::string_view frame, std::size_t raw_size,
                          char* out);

  // The memory that both contexts hold now. Grows with the size of batches, to less than 1 MiB.
  std::size_t bytes() const;

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace postern::compress
