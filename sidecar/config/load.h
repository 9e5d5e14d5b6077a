// Load: the relay's bootstrap file to a Config, or every problem that the file has.
//
//   ASSIGN_OR_RETURN(const Config config, Load("gateway.yaml", state_folder));
//
// A problem is one line, `file:line: field.path: value: what is wrong; remedy`, for instance
//   gateway.yaml:12: relay.memory: "64MiB": not a quantity; write it as 64Mi
// and the error's message joins all of them in the order of the file (the first 1,000). The whole
// format, with its defaults, is in config.h; deploy/standalone holds a file of each kind.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "sidecar/config/config.h"

namespace postern::config {

// Reads the file at `path`. Relative paths inside it (certificates, caFile) are joined to `base`,
// or to the folder of the file where `base` is empty. As Parse; and kNotFound where there is no
// such file, kUnavailable where it cannot be read.
base::Result<Config> Load(const std::string& path, const std::string& base = "");

// Reads `text`; `file_name` is only for messages. kInvalid with the problems, kExhausted where the
// text is longer than 1 MiB. A text that is not YAML has one problem: the first.
base::Result<Config> Parse(std::string_view text, std::string_view file_name,
                           const std::string& base);

}  // namespace postern::config
