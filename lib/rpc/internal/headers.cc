#include "lib/rpc/internal/headers.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::rpc::internal {
namespace {

// They frame the message or name the sender: of a call of ours only we can know them.
constexpr std::array<std::string_view, 13> kReserved = {
    "accept-encoding",  "connection",       "content-encoding",
    "content-length",   "content-type",     "host",
    "keep-alive",       "proxy-connection", "te",
    "trailer",          "upgrade",          "user-agent",
    "transfer-encoding"};

bool IsNameLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool IsSendableName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), IsNameLetter) &&
         !name.starts_with("grpc-") &&
         std::find(kReserved.begin(), kReserved.end(), name) == kReserved.end();
}

bool IsPrintable(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::optional<unsigned> SixBits(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return std::nullopt;
}

// Padding may be left out: gRPC's implementations do.
std::optional<std::string> DecodeBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const auto six = SixBits(c);
    if (!six) return std::nullopt;
    bits = (bits << 6) | *six;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return out;
}

}  // namespace

Metadata LegalHeaders(const Metadata& headers) {
  Metadata legal;
  for (const auto& [name, value] : headers) {
    if (!IsSendableName(name)) continue;
    if (name.ends_with("-bin")) {
      if (auto bytes = DecodeBase64(value)) legal.emplace_back(name, *std::move(bytes));
    } else if (IsPrintable(value)) {
      legal.emplace_back(name, value);
    }
  }
  return legal;
}

}  // namespace postern::rpc::internal
