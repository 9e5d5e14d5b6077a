// QueueFolder: the queue of a relay that does not run, as bytes that a test spoils.
//
//   Spoilt spoilt = QueueFolder(relay.File("queue")).Spoil(random);
//   SCOPED_TRACE(spoilt.what);            // "0000000000001000.log: 17 bytes zeroed from 4711"
//   … what is not in spoilt.ids has to arrive …
//
// It knows where a group begins and how long it is (docs/log-format.md), nothing more.
// Threads: immutable.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace postern::chaos {

struct Spoilt {
  std::string what;                  // for people
  std::vector<std::string> ids;      // of the records in groups that were touched
  bool whole_group_follows = false;  // so it cannot pass for a write that was cut off
};

class QueueFolder {
 public:
  explicit QueueFolder(std::string path) : path_(std::move(path)) {}

  // Flips a byte, zeroes some or cuts the rest off, anywhere in one of its files.
  Spoilt Spoil(std::mt19937& random) const;

 private:
  // Bytes [from, to) of a file.
  struct Range {
    std::uint64_t from;
    std::uint64_t to;
  };
  std::vector<std::string> Files() const;
  std::string Read(const std::string& name) const;
  static std::vector<Range> Groups(const std::string& segment);
  static void AddIds(const std::string& group, std::vector<std::string>& ids);
  void Judge(const std::string& name, const std::string& content, Range touched,
             Spoilt& spoilt) const;

  std::string path_;
};

}  // namespace postern::chaos
