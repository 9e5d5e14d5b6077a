// Logger: structured lines, a constant message with keys and values, as text or JSON.
//
// Made in app/ and passed by reference: there is no global one. An error is logged once, where it
// is handled. Secrets are never values.
//
//   Logger log({.format = Format::kText}, clock);
//   log.Info("link established", {{"peer", host}, {"port", 5723}});
//   → 2026-11-21T08:27:07.123Z INFO  link established peer=gw1.example port=5723
//
// Threads: any.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/log/value.h"

namespace spdlog {
class logger;
}

namespace postern::log {

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError };
enum class Format : std::uint8_t { kText, kJson };

class Logger {
 public:
  struct Options {
    Level level = Level::kInfo;     // the least that is written
    Format format = Format::kText;  // its level word is coloured where stderr is a terminal
  };
  using Fields = std::initializer_list<Field>;
  // Receives whole lines without their end. Called from any thread, one line at a time.
  using Sink = std::function<void(std::string_view line)>;

  // Writes to stderr. `clock` outlives the logger.
  Logger(Options options, const base::Clock& clock);
  Logger(Options options, const base::Clock& clock, Sink sink);
  ~Logger();

  // Whether lines of this level are written at all.
  bool Writes(Level level) const { return level >= options_.level; }

  void Debug(Message message, Fields fields = {}) { Log(Level::kDebug, message, Span(fields)); }
  void Info(Message message, Fields fields = {}) { Log(Level::kInfo, message, Span(fields)); }
  void Warn(Message message, Fields fields = {}) { Log(Level::kWarn, message, Span(fields)); }
  void Error(Message message, Fields fields = {}) { Log(Level::kError, message, Span(fields)); }
  void Log(Level level, Message message, std::span<const Field> fields);

  // A line about an error: the fields, then its code, event number (if it has one) and text.
  void Failed(Level level, Message message, const base::Error& error, Fields fields = {}) {
    Failed(level, message, error, Span(fields));
  }
  void Failed(Level level, Message message, const base::Error& error,
              std::span<const Field> fields);

 private:
  static std::span<const Field> Span(Fields fields) { return {fields.begin(), fields.size()}; }

  Options options_;
  const base::Clock& clock_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace postern::log
