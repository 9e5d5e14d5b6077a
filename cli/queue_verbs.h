// The verbs of `kubectl-postern queue`: each reads a relay's queue folder and changes nothing.
//
// Threads: loop.
#pragma once

#include "cli/command_line.h"

namespace postern::cli {

// Does what the command says: answers go to stdout or the command's file, errors with a remedy to
// stderr. Returns the exit code.
int Run(const Command& command);

}  // namespace postern::cli
