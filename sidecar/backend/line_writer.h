// LineWriter: turns records into lines of one LineFile, those of live clients and a run of a store
// together: one sync for all of them.
//
//   LineBatch batch{.live = …, .run = …};
//   writer.Write(batch, now);      // every answer is in it
//
// Threads: loop (its owner's: the thread that writes).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "sidecar/backend/line_file.h"
#include "sidecar/record/run_sink.h"

namespace postern::backend {

struct LineBatch {
  struct Live {
    record::RecordPtr record;
    base::Instant deadline;
    record::Answer answer = {};
  };
  std::vector<Live> live;
  record::RunPtr run;  // or none
  record::RunAnswer answer;
};

class LineWriter {
 public:
  // `storage` outlives it. `backend` is the name in answers.
  LineWriter(std::string backend, fs::Storage& storage, const std::string& folder,
             record::Signal signal)
      : backend_(std::move(backend)),
        file_(storage, folder, std::string(record::SignalName(signal))) {}

  void Write(LineBatch& batch, base::Instant now);

 private:
  void WriteLive(LineBatch& batch);
  base::Status MeetStore(const record::Run& run);
  void WriteRun(LineBatch& batch);
  record::Answer Convert(const record::Record& record);
  base::Status Flush(std::vector<LineBatch::Live>& live, std::size_t end,
                     const LineFile::Progress& then);
  record::Answer Unavailable(std::string_view why,
                             std::chrono::milliseconds retry_after = {}) const;

  const std::string backend_;
  LineFile file_;
  base::Instant now_;                   // of this batch
  std::optional<record::StoreId> met_;  // the store whose runs come
  std::string text_;                    // lines of the next write
  std::size_t flushed_ = 0;             // live records that are written or refused
};

}  // namespace postern::backend
