#include "sidecar/backend/line_writer.h"

#include <algorithm>
#include <utility>

#include "lib/otlp/to_json.h"

namespace postern::backend {

using base::Status;
using record::Answer;
using record::AnswerCode;

namespace {

// A disk that failed is asked again at the clients' pace, not faster than this.
constexpr std::chrono::seconds kRetryAfterFault{5};
// Lines are written when so much is together: a larger write is no faster and takes more memory.
constexpr std::size_t kWriteSize = std::size_t{1} << 20;
constexpr std::size_t kKeptCapacity = 4 * kWriteSize;

otlp::Signal OtlpSignal(record::Signal signal) { return static_cast<otlp::Signal>(signal); }
static_assert(static_cast<int>(otlp::Signal::kTraces) == static_cast<int>(record::Signal::kTraces));

}  // namespace

void LineWriter::Write(LineBatch& batch, base::Instant now) {
  flushed_ = 0;
  now_ = now;
  if (const Status open = file_.Open(now); !open) {
    const Answer failed = Unavailable(open.error().message(), kRetryAfterFault);
    for (LineBatch::Live& live : batch.live) live.answer = failed;
    batch.answer.whole = failed;
    return;
  }
  WriteLive(batch);
  if (batch.run != nullptr) WriteRun(batch);
  (void)Flush(batch.live, batch.live.size(), file_.progress());
}

// What is left in text_ goes with the run.
void LineWriter::WriteLive(LineBatch& batch) {
  for (std::size_t at = 0; at < batch.live.size(); ++at) {
    LineBatch::Live& live = batch.live[at];
    live.answer = live.deadline <= now_
                      ? Unavailable("the deadline passed in its queue; not written")
                      : Convert(*live.record);
    if (text_.size() >= kWriteSize) (void)Flush(batch.live, at + 1, file_.progress());
  }
}

// Once for a store: what the file has above what that had when it was opened is of records that it
// lost, as an older copy of a folder does. Others get their numbers now.
Status LineWriter::MeetStore(const record::Run& run) {
  RETURN_IF_ERROR(file_.Open(now_));  // a write before may have failed and closed it
  if (met_ == run.store) return {};
  if (file_.Through(run.store) > run.opened_through) {
    RETURN_IF_ERROR(file_.Append("", {.store = run.store, .through = run.opened_through}));
  }
  met_ = run.store;
  return {};
}

void LineWriter::WriteRun(LineBatch& batch) {
  const record::Run& run = *batch.run;
  if (const Status met = MeetStore(run); !met) {
    batch.answer.whole = Unavailable(met.error().message(), kRetryAfterFault);
    return;
  }
  const std::uint64_t has = file_.Through(run.store);
  LineFile::Progress then{.store = run.store, .through = has};
  for (std::size_t at = 0; at < run.records.size(); ++at) {
    const auto& [sequence, record] = run.records[at];
    const std::size_t before = text_.size();
    Answer answer = Convert(*record);
    if (sequence <= has) {
      text_.resize(before);
    } else if (answer.ok()) {
      then.through = sequence;
    }
    if (!answer.ok()) batch.answer.rejected.push_back({.index = at, .answer = std::move(answer)});
  }
  if (const Status written = Flush(batch.live, batch.live.size(), then); !written) {
    batch.answer = {.whole = Unavailable(written.error().message(), kRetryAfterFault),
                    .rejected = {}};
  }
}

Answer LineWriter::Convert(const record::Record& record) {
  const Status line = otlp::AppendJsonLine(OtlpSignal(record.signal), record.body.view(), text_);
  if (line) return {};
  return {.code = AnswerCode::kInvalidArgument,
          .message = "backend " + backend_ + ": " + line.error().message(),
          .response = {}};
}

// Writes what is together: one write, and so one outcome for the live records up to `end`.
Status LineWriter::Flush(std::vector<LineBatch::Live>& live, std::size_t end,
                         const LineFile::Progress& then) {
  const std::size_t first = std::exchange(flushed_, end);
  if (text_.empty()) return {};
  Status written = file_.Open(now_);
  if (written) written = file_.Append(text_, then);
  text_.clear();
  if (text_.capacity() > kKeptCapacity) text_.shrink_to_fit();
  for (std::size_t at = first; at < end && !written; ++at) {
    if (live[at].answer.ok()) {
      live[at].answer = Unavailable(written.error().message(), kRetryAfterFault);
    }
  }
  return written;
}

Answer LineWriter::Unavailable(std::string_view why, std::chrono::milliseconds retry_after) const {
  return {.code = AnswerCode::kUnavailable,
          .message = "backend " + backend_ + ": " + std::string(why),
          .retry_after = retry_after,
          .response = {}};
}

}  // namespace postern::backend
