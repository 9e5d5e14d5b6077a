#include "lib/compress/lane_codec.h"

// The format without the magic number is outside of zstd's stable interface.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "lib/base/check.h"

namespace postern::compress {
namespace {

using base::Code;
using base::Fail;
using base::Status;

constexpr int kLevel = 1;
// How far back a match may lie, and the size of zstd's blocks: batches are of this order, and the
// compressing context's memory follows it.
constexpr int kWindowLog = 17;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

void Must(std::size_t result) { CHECK(ZSTD_isError(result) == 0, "zstd takes its parameters"); }

}  // namespace

struct LaneCodec::Contexts {
  std::unique_ptr<ZSTD_CCtx, FreeContext> compress{ZSTD_createCCtx()};
  std::unique_ptr<ZSTD_DCtx, FreeContext> decompress{ZSTD_createDCtx()};
};

LaneCodec::LaneCodec() : contexts_(std::make_unique<Contexts>()) {
  CHECK(contexts_->compress && contexts_->decompress, "zstd has memory for its contexts");
  ZSTD_CCtx* const compress = contexts_->compress.get();
  Must(ZSTD_CCtx_setParameter(compress, ZSTD_c_compressionLevel, kLevel));
  Must(ZSTD_CCtx_setParameter(compress, ZSTD_c_windowLog, kWindowLog));
  Must(ZSTD_CCtx_setParameter(compress, ZSTD_c_format, ZSTD_f_zstd1_magicless));
  Must(ZSTD_CCtx_setParameter(compress, ZSTD_c_contentSizeFlag, 0));
  Must(ZSTD_CCtx_setParameter(compress, ZSTD_c_checksumFlag, 0));
  Must(ZSTD_CCtx_setParameter(compress, ZSTD_c_dictIDFlag, 0));
  Must(ZSTD_DCtx_setParameter(contexts_->decompress.get(), ZSTD_d_format, ZSTD_f_zstd1_magicless));
}

LaneCodec::~LaneCodec() = default;

std::size_t LaneCodec::Compress(const LaneHistory& history, std::string_view plain,
                                std::string& out) {
  if (plain.empty()) return 0;
  ZSTD_CCtx* const context = contexts_->compress.get();
  const std::string_view prefix = history.view();
  Must(ZSTD_CCtx_refPrefix(context, prefix.data(), prefix.size()));
  const std::size_t before = out.size();
  // Too little room for a frame that is no gain: zstd then gives up by itself.
  out.resize(before + plain.size() - 1);
  const std::size_t made =
      ZSTD_compress2(context, out.data() + before, plain.size() - 1, plain.data(), plain.size());
  const bool gained = ZSTD_isError(made) == 0;
  if (!gained) ZSTD_CCtx_reset(context, ZSTD_reset_session_only);
  out.resize(before + (gained ? made : 0));
  return gained ? made : 0;
}

Status LaneCodec::Decompress(const LaneHistory& history, std::string_view frame,
                             std::size_t raw_size, char* out) {
  ZSTD_DCtx* const context = contexts_->decompress.get();
  const std::string_view prefix = history.view();
  Must(ZSTD_DCtx_refPrefix(context, prefix.data(), prefix.size()));
  const std::size_t made = ZSTD_decompressDCtx(context, out, raw_size, frame.data(), frame.size());
  ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
  if (ZSTD_isError(made) == 0 && made == raw_size) return {};
  return Fail(Code::kCorrupt, "decompressing a batch of " + std::to_string(frame.size()) + " to " +
                                  std::to_string(raw_size) + " bytes: " +
                                  (ZSTD_isError(made) != 0 ? ZSTD_getErrorName(made)
                                                           : "it holds " + std::to_string(made)));
}

std::size_t LaneCodec::bytes() const {
  return ZSTD_sizeof_CCtx(contexts_->compress.get()) +
         ZSTD_sizeof_DCtx(contexts_->decompress.get());
}

}  // namespace postern::compress
