#include "lib/queue/testing/folder_image.h"

#include <array>
#include <iomanip>
#include <sstream>

#include "lib/base/check.h"

namespace postern::queue {

namespace {
constexpr std::size_t kRow = 16;
}

FolderImage ReadImage(fs::Folder& folder) {
  FolderImage image;
  const auto names = folder.List();
  CHECK(names, "the folder can be listed");
  for (const std::string& name : *names) {
    if (name == "lock") continue;
    const auto file = folder.Open(name);
    CHECK(file, "the file is there");
    std::string& bytes = image[name];
    bytes.resize(*(*file)->Size());
    CHECK(fs::ReadExactly(**file, 0, bytes), "the file can be read");
  }
  return image;
}

void WriteImage(const FolderImage& image, fs::Folder& folder) {
  for (const auto& [name, bytes] : image) {
    const auto file = folder.Create(name, bytes.size());
    const std::array<std::string_view, 1> slices{bytes};
    CHECK(file && (*file)->WriteAt(0, slices) && (*file)->Sync(), "the file can be written");
  }
  CHECK(folder.Sync(), "the folder can be synced");
}

std::string PrintImage(const FolderImage& image) {
  std::ostringstream out;
  out << std::hex << std::setfill('0');
  for (const auto& [name, bytes] : image) {
    out << name << ' ' << std::dec << bytes.size() << std::hex << '\n';
    for (std::size_t at = 0; at < bytes.size(); at += kRow) {
      const std::string_view row = std::string_view(bytes).substr(at, kRow);
      if (row.find_first_not_of('\0') == std::string_view::npos) continue;
      out << std::setw(6) << at;
      for (const char byte : row) {
        out << ' ' << std::setw(2) << static_cast<unsigned>(static_cast<unsigned char>(byte));
      }
      out << '\n';
    }
  }
  return out.str();
}

FolderImage ParseImage(std::string_view text) {
  FolderImage image;
  std::string* bytes = nullptr;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first.find_first_not_of("0123456789abcdef") != std::string::npos || first.size() != 6) {
      std::size_t size = 0;
      words >> size;
      bytes = &image[first];
      bytes->resize(size);
      continue;
    }
    CHECK(bytes != nullptr, "an image begins with a name");
    std::size_t at = std::stoul(first, nullptr, 16);
    for (std::string byte; words >> byte; ++at) {
      bytes->at(at) = static_cast<char>(std::stoul(byte, nullptr, 16));
    }
  }
  return image;
}

}  // namespace postern::queue
