// The sections of the bootstrap file: each reads its fields from the section it is given, holds the
// rules between them, and reports into the section's Problems. What is missing or bad keeps its
// default.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/config/config.h"
#include "sidecar/config/internal/section.h"

namespace postern::config {

// Returns `path` as it can be opened: joined to `base` unless it is absolute.
std::string Resolve(const std::string& base, const std::string& path);

// Reads everything of a member that has to do with other members: certificate, port, members,
// parents, deadAfter, compression. Without a kind, what only one kind has is not looked at.
void ReadLink(Section& root, std::optional<Kind> kind, const std::string& base, Config& config);

// Reads `relay`.
Relay ReadRelay(Section& root, std::optional<Kind> kind, const std::string& base);

// Reads `backends` of the relay's section. `most_behind`: the largest maxBehind.
std::vector<Backend> ReadBackends(Section& relay, const std::string& base,
                                  std::uint64_t most_behind);

}  // namespace postern::config
