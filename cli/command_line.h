// The command line of kubectl-postern.
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/queue/offline.h"
#include "sidecar/record/record.h"

namespace postern::cli {

// sysexits.h; told in --help.
inline constexpr int kWrongUsage = 64;
inline constexpr int kDamageFound = 65;
inline constexpr int kCannotRead = 66;
inline constexpr int kCannotWrite = 74;

enum class Verb : std::uint8_t { kInspect, kVerify, kExport, kLedger };
enum class Format : std::uint8_t { kTable, kJson, kYaml };

struct Command {
  Verb verb = Verb::kInspect;
  std::string folder;
  Format format = Format::kTable;
  // Of export.
  std::optional<record::Signal> signal;  // none: all
  queue::Range range;
  std::string output = "-";
  bool raw = false;

  std::optional<int> exit;  // --help, --version or wrong usage: end with this code
};

// Prints help, version or what is wrong itself.
Command ParseCommandLine(int argc, char** argv);

}  // namespace postern::cli
