// TempDir: a folder of a test's own, gone with everything in it when the test ends.
//
//   TempDir folder;
//   const std::string config = folder.Write("gateway.yaml", text);   // the file's path
//
// Threads: immutable.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "lib/base/check.h"

namespace postern::support {

class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "postern-XXXXXX").string()) {
    const char* made = mkdtemp(path_.data());
    CHECK(made != nullptr, "the folder for temporary files can be written");
  }
  ~TempDir() {
    std::error_code ignored;  // a test that leaves a mess is not worth an abort
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }

  // Replaces the file `name` and returns its path.
  std::string Write(std::string_view name, std::string_view content) const {
    std::ofstream file(File(name), std::ios::binary | std::ios::trunc);
    file << content;
    CHECK(file.flush().good(), "a temporary file can be written");
    return File(name);
  }

 private:
  std::string path_;
};

}  // namespace postern::support
