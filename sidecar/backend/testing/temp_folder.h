// TempFolder: a folder of a test's own, gone when the test ends.
//
// Not that of tests/support: what stands beside the code may not include what stands above it.
// Threads: immutable.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "lib/base/check.h"

namespace postern::backend {

class TempFolder {
 public:
  TempFolder() : path_((std::filesystem::temp_directory_path() / "postern-XXXXXX").string()) {
    CHECK(mkdtemp(path_.data()) != nullptr, "the folder for temporary files can be written");
  }
  ~TempFolder() {
    std::error_code ignored;  // a test that leaves a mess is not worth an abort
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteFile(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  CHECK(file.flush().good(), "a temporary file can be written");
}

}  // namespace postern::backend
