#include "cli/queue_verbs.h"

#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

#include "cli/describe.h"
#include "cli/export.h"
#include "lib/fs/posix_storage.h"
#include "lib/json/print.h"
#include "lib/yaml/print.h"

namespace postern::cli {

using base::Code;

namespace {

constexpr const char* kFolderRemedy = "give the queue folder of a relay: STATE/queue";

std::string Remedy(Code code) {
  switch (code) {
    case Code::kNotFound: return kFolderRemedy;
    case Code::kDenied: return "run this as the relay's user";
    case Code::kInvalid: return "use the kubectl-postern of that relay's version";
    default: return "look for faults of the disk in the kernel's log";
  }
}

int CannotRead(const base::Error& error, const std::string& remedy) {
  std::cerr << error.message() << "; " << remedy << "\n";
  return kCannotRead;
}

// Prints an answer whole, or says that it could not be.
int Print(const std::string& text) {
  std::cout << text << std::flush;
  if (std::cout) return 0;
  std::cerr << "writing to stdout: it is full or closed; redirect it to a disk with room\n";
  return kCannotWrite;
}

int PrintAs(Format format, const json::Value& value, const std::function<std::string()>& text) {
  if (format == Format::kJson) return Print(json::Print(value, json::Layout::kIndented) + "\n");
  return Print(format == Format::kYaml ? yaml::Print(value) : text());
}

int RunInspect(const Command& command, const fs::FolderReader& folder) {
  const auto found = queue::Inspect(folder);
  if (!found) return CannotRead(found.error(), Remedy(found.error().code()));
  return PrintAs(command.format, InspectionValue(*found), [&] { return InspectionText(*found); });
}

int RunVerify(const Command& command, const fs::FolderReader& folder) {
  const auto found = queue::Inspect(folder);
  if (!found) return CannotRead(found.error(), Remedy(found.error().code()));
  const int printed =
      PrintAs(command.format, VerificationValue(*found), [&] { return VerificationText(*found); });
  if (printed != 0) return printed;
  return found->damages.empty() ? 0 : kDamageFound;
}

int RunLedger(const Command& command, const fs::FolderReader& folder) {
  const auto entries = queue::ReadLedger(folder);
  if (!entries) return CannotRead(entries.error(), Remedy(entries.error().code()));
  return PrintAs(command.format, LedgerValue(*entries), [&] { return LedgerText(*entries); });
}

// Whether a file of this path would stand in the queue's folder, or be one of its files.
bool IsInside(const std::string& path, const std::string& folder) {
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(path, error);
  const auto queue = std::filesystem::canonical(folder, error);
  return !error && real.parent_path() == queue;
}

int RunExport(const Command& command, const fs::FolderReader& folder) {
  if (command.output != "-" && IsInside(command.output, command.folder)) {
    std::cerr << "writing " << command.output
              << ": it is in the queue's folder, which is the relay's; give another --output\n";
    return kWrongUsage;
  }
  const auto exported = Export(folder, {.signal = command.signal,
                                        .range = command.range,
                                        .output = command.output,
                                        .raw = command.raw});
  if (!exported) return CannotRead(exported.error(), Remedy(exported.error().code()));
  if (!exported->written) {
    std::cerr << exported->written.error().message()
              << "; give --output a file that can be written, on a disk with room\n";
    return kCannotWrite;
  }
  for (const std::string& one : exported->left_out) std::cerr << "left out: " << one << "\n";
  if (exported->left_out_in_all > exported->left_out.size()) {
    std::cerr << "left out in all: " << exported->left_out_in_all << "\n";
  }
  return exported->left_out_in_all == 0 ? 0 : kDamageFound;
}

}  // namespace

int Run(const Command& command) {
  fs::PosixStorage storage;
  const auto folder = storage.OpenToRead(command.folder);
  if (!folder) {
    const Code code = folder.error().code();
    return CannotRead(folder.error().In("reading queue " + command.folder),
                      code == Code::kInvalid ? kFolderRemedy : Remedy(code));
  }
  switch (command.verb) {
    case Verb::kInspect: return RunInspect(command, **folder);
    case Verb::kVerify: return RunVerify(command, **folder);
    case Verb::kExport: return RunExport(command, **folder);
    case Verb::kLedger: return RunLedger(command, **folder);
  }
  return kWrongUsage;
}

}  // namespace postern::cli
