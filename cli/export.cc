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

// A file that takes bytes in large pieces, and is opened with the first.
class Output {
 public:
  explicit Output(const std::string& path) : path_(path) {}

  std::string& text() { return text_; }
  Status FlushWhenLarge() { return text_.size() < kWriteSize ? Status() : Flush(); }
  // What the kernel took of it is told here and never before.
  Status Finish() {
    RETURN_IF_ERROR(Flush());
    if (std::fflush(file_.get()) != 0) return Failed("writing");
    std::FILE* const file = file_.release();
    if (file == stdout || std::fclose(file) == 0) return {};
    return Failed("closing");
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stdout) (void)std::fclose(file);
    }
  };

  Status Flush() {
    if (file_ == nullptr) file_.reset(path_ == "-" ? stdout : std::fopen(path_.c_str(), "we"));
    if (file_ == nullptr) return Failed("opening");
    const bool written = std::fwrite(text_.data(), 1, text_.size(), file_.get()) == text_.size();
    if (!written) return Failed("writing");
    text_.clear();
    return {};
  }
  base::Error Failed(const std::string& attempt) const {
    const int error = errno;
    return Fail(Code::kUnavailable, attempt + " " + (path_ == "-" ? "stdout" : path_) + ": " +
                                        std::system_category().message(error));
  }

  const std::string& path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string text_;
};

class Exporter {
 public:
  explicit Exporter(const ExportOptions& options) : options_(options), output_(options.output) {}

  Result<ExportReport> Run(const fs::FolderReader& folder) {
    const auto damages = queue::ReadEntries(
        folder, options_.range, [this](const queue::StoredEntry& entry) { return Take(entry); });
    // Our own failure ended the reading, and is no failure of it.
    if (!report_.written) return std::move(report_);
    if (!damages) return damages.error();
    for (const queue::Damage& damage : *damages) {
      LeaveOut("records above " + std::to_string(damage.after) + " are damaged: see verify");
    }
    report_.written = output_.Finish();
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
    report_.written = output_.FlushWhenLarge();
    return report_.written;
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
};

}  // namespace

Result<ExportReport> Export(const fs::FolderReader& folder, const ExportOptions& options) {
  return Exporter(options).Run(folder);
}

}  // namespace postern::cli
