#include "tests/chaos/queue_folder.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "lib/base/check.h"

namespace postern::chaos {

namespace {

constexpr std::uint64_t kFirstGroup = 512;
constexpr std::uint64_t kAlignment = 8;
constexpr std::string_view kGroupMagic = "PGRP";
constexpr std::size_t kIdSize = 17;  // 0000002a-00000004, as SampleIds has them
constexpr std::size_t kDash = 8;

bool IsSegment(const std::string& name) { return name.ends_with(".log"); }

bool IsId(std::string_view text) {
  for (std::size_t i = 0; i < kIdSize; ++i) {
    const bool fits = i == kDash ? text[i] == '-' : std::isxdigit(text[i]) != 0;
    if (!fits) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> QueueFolder::Files() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    if (entry.is_regular_file() && entry.file_size() > 0) {
      names.push_back(entry.path().filename());
    }
  }
  std::ranges::sort(names);
  return names;
}

std::string QueueFolder::Read(const std::string& name) const {
  std::ifstream file(path_ + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<QueueFolder::Range> QueueFolder::Groups(const std::string& segment) {
  std::vector<Range> groups;
  std::uint64_t at = kFirstGroup;
  while (at + kAlignment <= segment.size()) {
    std::uint32_t size = 0;
    std::memcpy(&size, segment.data() + at + kGroupMagic.size(), sizeof size);
    const bool begins = segment.compare(at, kGroupMagic.size(), kGroupMagic) == 0 && size > 0;
    if (begins) groups.push_back({.from = at, .to = at + size});
    at += begins ? (size + kAlignment - 1) / kAlignment * kAlignment : kAlignment;
  }
  return groups;
}

void QueueFolder::AddIds(const std::string& group, std::vector<std::string>& ids) {
  for (std::size_t at = 0; at + kIdSize <= group.size(); ++at) {
    const std::string_view text(group.data() + at, kIdSize);
    if (text[kDash] == '-' && IsId(text)) ids.emplace_back(text);
  }
}

void QueueFolder::Judge(const std::string& name, const std::string& content, Range touched,
                        Spoilt& spoilt) const {
  if (!IsSegment(name)) return;
  for (const Range& group : Groups(content)) {
    const bool hit = group.from < touched.to && touched.from < group.to;
    if (hit) AddIds(content.substr(group.from, group.to - group.from), spoilt.ids);
    spoilt.whole_group_follows = spoilt.whole_group_follows || group.from >= touched.to;
  }
  for (const std::string& other : Files()) {
    if (!IsSegment(other) || other <= name) continue;
    spoilt.whole_group_follows = spoilt.whole_group_follows || !Groups(Read(other)).empty();
  }
}

Spoilt QueueFolder::Spoil(std::mt19937& random) const {
  const std::vector<std::string> names = Files();
  CHECK(!names.empty(), "a relay that ran has a queue");
  const std::string& name = names[random() % names.size()];
  std::string content = Read(name);
  // A segment is made at full size: most of it is room for what comes.
  std::uint64_t used = content.size();
  if (IsSegment(name)) {
    const std::vector<Range> groups = Groups(content);
    used = std::min(used, groups.empty() ? kFirstGroup : groups.back().to);
  }
  const std::uint64_t from = random() % used;
  Spoilt spoilt;
  switch (random() % 3) {
    case 0:
      Judge(name, content, {.from = from, .to = from + 1}, spoilt);
      content[from] = static_cast<char>(content[from] ^ (1U << (random() % 8)));
      spoilt.what = "a bit flipped at ";
      break;
    case 1: {
      const std::uint64_t to = std::min<std::uint64_t>(content.size(), from + 1 + random() % 4096);
      Judge(name, content, {.from = from, .to = to}, spoilt);
      std::fill(content.begin() + static_cast<std::ptrdiff_t>(from),
                content.begin() + static_cast<std::ptrdiff_t>(to), '\0');
      spoilt.what = std::to_string(to - from) + " bytes zeroed from ";
      break;
    }
    default:
      Judge(name, content, {.from = from, .to = content.size()}, spoilt);
      content.resize(from);
      spoilt.what = "cut off at ";
  }
  spoilt.what = name + ": " + spoilt.what + std::to_string(from);
  std::ofstream file(path_ + "/" + name, std::ios::binary | std::ios::trunc);
  file << content;
  CHECK(file.flush().good(), "a file of a test can be written");
  return spoilt;
}

}  // namespace postern::chaos
