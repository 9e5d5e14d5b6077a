#include "cli/export.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "lib/otlp/to_json.h"
#include "sidecar/record/record_codec.h"
#include "sidecar/record/wire.h"

namespace postern::cli {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

namespace {

constexpr std::size_t kWriteSize = std::size_t{1} << 20;
constexpr std::size_t kMostToldOf = 10;

otlp::Signal OtlpSignal(record::Signal signal) { return static_cast<otlp::Signal>(signal); }
static_assert(static_cast<int>(otlp::Signal::kTraces) == static_cast<int>(record::Signal::kTraces));

// A file that takes bytes in large pieces.
class Output {
 public:
  static Result<Output> Open(const std::string& path) {
    if (path == "-") return Output(stdout, "stdout");
    std::FILE* const file = std::fopen(path.c_str(), "we");
    if (file == nullptr) return Failed("opening", path);
    return Output(file, path);
  }

  std::string& text() { return text_; }
  Status FlushWhenLarge() { return text_.size() < kWriteSize ? Status() : Flush(); }
  // What the kernel took of it is told here and never before.
  Status Finish() {
    RETURN_IF_ERROR(Flush());
    if (std::fflush(file_.get()) != 0) return Failed("writing", path_);
    std::FILE* const file = file_.release();
    if (file == stdout || std::fclose(file) == 0) return {};
    return Failed("closing", path_);
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stdout) (void)std::fclose(file);
    }
  };

  Output(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}

  Status Flush() {
    const bool written = std::fwrite(text_.data(), 1, text_.size(), file_.get()) == text_.size();
    text_.clear();
    return written ? Status() : Failed("writing", path_);
  }
  static base::Error Failed(const char* attempt, const std::string& path) {
    const int error = errno;
    return Fail(Code::kUnavailable,
                attempt + (" " + path) + ": " + std::system_category().message(error));
  }

  std::unique_ptr<std::FILE, Close> file_;
  std::string path_;
  std::string text_;
};

class Exporter {
 public:
  Exporter(const ExportOptions& options, Output output)
      : options_(options), output_(std::move(output)) {}

  tl::expected<ExportReport, ExportFailure> Run(const fs::FolderReader& folder) {
    using Half = ExportFailure::Half;
    const auto damages = queue::ReadEntries(
        folder, options_.range, [this](const queue::StoredEntry& entry) { return Take(entry); });
    if (!damages) {
      const Half half = writing_failed_ ? Half::kWriting : Half::kReading;
      return tl::unexpected(ExportFailure{half, damages.error()});
    }
    for (const queue::Damage& damage : *damages) {
      LeaveOut("records above " + std::to_string(damage.after) + " are damaged: see verify");
    }
    if (const Status finished = output_.Finish(); !finished) {
      return tl::unexpected(ExportFailure{Half::kWriting, finished.error()});
    }
    return std::move(report_);
  }

 private:
  // An entry's body is a record's head, which tells its origin itself, and the record's body.
  Status Take(const queue::StoredEntry& entry) {
    const auto record = record::ParseRecord(entry.body, record::Origin());
    if (!record) {
      LeaveOut(entry.sequence, record.error());
      return {};
    }
    if (options_.signal && record->signal != *options_.signal) return {};
    if (const Status appended = Append(*record); !appended) {
      LeaveOut(entry.sequence, appended.error());
      return {};
    }
    ++report_.records;
    const Status written = output_.FlushWhenLarge();
    writing_failed_ = !written;
    return written;
  }

  Status Append(const record::Record& record) {
    if (!options_.raw) {
      return otlp::AppendJsonLine(OtlpSignal(record.signal), record.body.view(), output_.text());
    }
    record::Writer(output_.text()).Number(record.body.size());
    output_.text() += record.body.view();
    return {};
  }

  void LeaveOut(std::uint64_t sequence, const base::Error& why) {
    LeaveOut("record " + std::to_string(sequence) + ": " + why.message());
  }
  void LeaveOut(std::string what) {
    ++report_.left_out_in_all;
    if (report_.left_out.size() < kMostToldOf) report_.left_out.push_back(std::move(what));
  }

  const ExportOptions& options_;
  Output output_;
  ExportReport report_;
  bool writing_failed_ = false;
};

}  // namespace

tl::expected<ExportReport, ExportFailure> Export(const fs::FolderReader& folder,
                                                 const ExportOptions& options) {
  auto output = Output::Open(options.output);
  if (!output) {
    return tl::unexpected(ExportFailure{ExportFailure::Half::kWriting, output.error()});
  }
  return Exporter(options, *std::move(output)).Run(folder);
}

}  // namespace postern::cli
