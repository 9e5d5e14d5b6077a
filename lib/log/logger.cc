#include "lib/log/logger.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lib/log/internal/line.h"

namespace postern::log {
namespace {

class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(Logger::Sink receive) : receive_(std::move(receive)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    receive_({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

  Logger::Sink receive_;
};

// Lines come whole; this marks where the terminal's colour begins and ends.
class WholeLine final : public spdlog::formatter {
 public:
  explicit WholeLine(Format format) : format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    line.append(message.payload.data(), message.payload.data() + message.payload.size());
    if (format_ == Format::kText) {
      message.color_range_start = internal::kLevelStart;
      message.color_range_end = internal::kLevelStart + internal::kLevelWidth;
    }
    line.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<WholeLine>(format_);
  }

 private:
  Format format_;
};

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::unique_ptr<spdlog::logger> Make(const Logger::Options& options, spdlog::sink_ptr sink) {
  auto logger = std::make_unique<spdlog::logger>("postern", std::move(sink));
  logger->set_formatter(std::make_unique<WholeLine>(options.format));
  logger->set_level(ToSpdlog(options.level));
  logger->flush_on(spdlog::level::debug);
  return logger;
}

}  // namespace

Logger::Logger(Options options, const base::Clock& clock)
    : options_(options),
      clock_(clock),
      logger_(Make(options, std::make_shared<spdlog::sinks::stderr_color_sink_mt>())) {}

Logger::Logger(Options options, const base::Clock& clock, Sink sink)
    : options_(options),
      clock_(clock),
      logger_(Make(options, std::make_shared<FunctionSink>(std::move(sink)))) {}

Logger::~Logger() = default;

void Logger::Log(Level level, Message message, std::span<const Field> fields) {
  if (!Writes(level)) return;
  const std::string line =
      internal::Line(options_.format, clock_.WallNow(), level, message, fields);
  logger_->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void Logger::Failed(Level level, Message message, const base::Error& error,
                    std::span<const Field> fields) {
  std::vector<Field> all(fields.begin(), fields.end());
  all.push_back({"code", base::CodeName(error.code())});
  if (error.event() != 0) all.push_back({"event", error.event()});
  all.push_back({"error", error.message()});
  Log(level, message, all);
}

}  // namespace postern::log
