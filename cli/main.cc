// kubectl-postern: what people ask of Postern; also `kubectl postern …`.
#include "cli/command_line.h"
#include "cli/queue_verbs.h"

namespace postern::cli {
namespace {

int Main(int argc, char** argv) {
  const Command command = ParseCommandLine(argc, argv);
  return command.exit ? *command.exit : Run(command);
}

}  // namespace
}  // namespace postern::cli

int main(int argc, char** argv) { return postern::cli::Main(argc, argv); }
