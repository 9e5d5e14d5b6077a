#include "sidecar/config/internal/problems.h"

#include <algorithm>
#include <span>

#include "lib/base/result.h"
#include "lib/json/print.h"

namespace postern::config {
namespace {

constexpr std::size_t kMostLines = 1'000;
constexpr std::size_t kMostShown = 60;

// Cuts before a byte that begins a UTF-8 character, never within one.
std::string Cut(const std::string& text) {
  if (text.size() <= kMostShown) return text;
  std::size_t end = kMostShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u) --end;
  return text.substr(0, end) + "…";
}

// A key may hold anything, and a problem is one line.
std::string ShownField(std::string_view field) {
  const std::string quoted = json::Print(Cut(std::string(field)));
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

std::string Shown(const yaml::Node& value) {
  switch (value.kind()) {
    case yaml::Kind::kNull: return "null";
    case yaml::Kind::kBool:
    case yaml::Kind::kNumber: return Cut(value.text());
    case yaml::Kind::kString: return json::Print(Cut(value.text()));
    case yaml::Kind::kList: return "[…]";
    case yaml::Kind::kMap: return "{…}";
  }
  return {};
}

void Problems::Add(yaml::Mark mark, std::string_view field, const yaml::Node* value,
                   std::string_view what) {
  std::string text = file_name_ + ":" + std::to_string(mark.line) + ": ";
  if (!field.empty()) text += ShownField(field) + ": ";
  if (value != nullptr) text += Shown(*value) + ": ";
  lines_.push_back({mark.line, text += what});
}

base::Error Problems::Join() const {
  std::vector<Line> lines = lines_;
  std::ranges::stable_sort(lines, {}, &Line::number);
  std::string message;
  for (const Line& line : std::span(lines).first(std::min(lines.size(), kMostLines))) {
    if (!message.empty()) message += '\n';
    message += line.text;
  }
  if (lines.size() > kMostLines) {
    message +=
        "\n" + file_name_ + ": and " + std::to_string(lines.size() - kMostLines) + " more problems";
  }
  return base::Fail(base::Code::kInvalid, message);
}

}  // namespace postern::config
