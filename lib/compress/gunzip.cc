#include "lib/compress/gunzip.h"

#include <zlib.h>

#include <array>
#include <limits>
#include <string>
#include <utility>

#include "lib/base/check.h"

namespace postern::compress {
namespace {

using base::BytesBuilder;
using base::Code;
using base::Fail;
using base::Result;

constexpr int kGzipWithAnyWindow = 15 + 16;
// Deflate's own limit: no input yields more than this many times its size.
constexpr std::size_t kMostInflation = 1032;
constexpr std::size_t kTrailer = 4;

base::Error Corrupt(std::size_t size, const char* finding) {
  return Fail(Code::kCorrupt,
              "inflating a gzip body of " + std::to_string(size) + " bytes: " + finding);
}

}  // namespace

std::size_t ClaimedSize(std::string_view in, std::size_t max_out) {
  if (in.size() < kTrailer) return 0;
  std::size_t claimed = 0;
  for (std::size_t i = 1; i <= kTrailer; ++i) {
    claimed = claimed << 8 | static_cast<unsigned char>(in[in.size() - i]);
  }
  return claimed > max_out || claimed / kMostInflation > in.size() ? 0 : claimed;
}

struct Gunzipper::State {
  z_stream stream{};
  // Inflated bytes pass through here, so that the result's memory is never larger than the result.
  // With zlib's state (40 KiB) this is all that is used beyond it.
  std::array<char, std::size_t{16} * 1024> chunk{};

  // Inflates all of `in`, offers it to `out`, which takes no more than its size, and returns how
  // many bytes there were.
  Result<std::size_t> Inflate(std::string_view in, std::size_t max_out, BytesBuilder& out);
};

Gunzipper::Gunzipper() : state_(std::make_unique<State>()) {
  CHECK(inflateInit2(&state_->stream, kGzipWithAnyWindow) == Z_OK, "zlib has memory for its state");
}

Gunzipper::~Gunzipper() { inflateEnd(&state_->stream); }

Result<std::size_t> Gunzipper::State::Inflate(std::string_view in, std::size_t max_out,
                                              BytesBuilder& out) {
  inflateReset2(&stream, kGzipWithAnyWindow);
  // zlib does not write to its input; its interface says so only under ZLIB_CONST.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  std::size_t total = 0;
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    const std::size_t made = chunk.size() - stream.avail_out;
    total += made;
    if (total > max_out) {
      return Fail(Code::kExhausted, "inflating a gzip body of " + std::to_string(in.size()) +
                                        " bytes: more than the allowed " + std::to_string(max_out) +
                                        " bytes come out");
    }
    out.Append({chunk.data(), made});
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0) return total;
      inflateReset(&stream);  // another member, or bytes that do not belong: its header tells
    } else if (result == Z_BUF_ERROR) {
      return Corrupt(in.size(), "it ends early");
    } else if (result != Z_OK) {
      return Corrupt(in.size(), stream.msg != nullptr ? stream.msg : "not gzip");
    }
  }
}

Result<base::Bytes> Gunzipper::Gunzip(std::string_view in, std::size_t max_out) {
  if (in.size() > std::numeric_limits<uInt>::max()) return Corrupt(in.size(), "too long for gzip");
  // The second turn happens only where the claim was wrong: several members. Counting again is
  // cheaper than a bound that must allow for two copies.
  std::size_t size = ClaimedSize(in, max_out);
  while (true) {
    BytesBuilder out(size);
    ASSIGN_OR_RETURN(const std::size_t total, state_->Inflate(in, max_out, out));
    if (total == size) return std::move(out).Finish();
    size = total;
  }
}

}  // namespace postern::compress
