#include "sidecar/config/internal/values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace postern::config {
namespace {

using base::Code;
using base::Error;
using base::Fail;
using base::Result;

Error Invalid(std::string what) { return Fail(Code::kInvalid, std::move(what)); }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
char ToLower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsLabel(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.starts_with('-') || label.ends_with('-')) {
    return false;
  }
  return std::ranges::all_of(label, [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; });
}

bool IsDnsName(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    if (!IsLabel(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool IsIp(const std::string& text) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, text.c_str(), address) == 1 ||
         inet_pton(AF_INET6, text.c_str(), address) == 1;
}

// Digits and nothing else, at most `most`.
std::optional<std::uint64_t> ToNumber(std::string_view text, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > most)
    return std::nullopt;
  return number;
}

// "host", "host:port", "[v6]:port", or a bare IPv6.
std::optional<Address> ToAddress(const std::string& text, std::uint16_t default_port) {
  Address address{text, default_port};
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && end == std::string::npos) return std::nullopt;
  const bool bare_v6 =
      !bracketed && end != std::string::npos && text.find(':', end + 1) != std::string::npos;
  if (end != std::string::npos && !bare_v6) {
    address.host = bracketed ? text.substr(1, end - 1) : text.substr(0, end);
    const std::string_view rest = std::string_view(text).substr(bracketed ? end + 1 : end);
    if (!rest.empty()) {
      const auto port = ToNumber(rest.substr(1), 65535);
      if (!rest.starts_with(':') || !port || *port == 0) return std::nullopt;
      address.port = static_cast<std::uint16_t>(*port);
    }
  }
  const bool v6 = address.host.find(':') != std::string::npos;
  if (bracketed && !v6) return std::nullopt;
  if (!IsIp(address.host) && (v6 || !IsDnsName(address.host))) return std::nullopt;
  return address;
}

struct Unit {
  std::string_view suffix;
  std::uint64_t bytes;
};
constexpr Unit kUnits[] = {
    {"Ki", std::uint64_t{1} << 10},
    {"Mi", std::uint64_t{1} << 20},
    {"Gi", std::uint64_t{1} << 30},
    {"k", 1'000},
    {"M", 1'000'000},
    {"G", 1'000'000'000},
    {"", 1},
};

// Returns how `text` was probably meant: 64MiB, 64mb, 64KB and 64 Mi are what people write.
std::string MeantQuantity(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string suffix;
  for (const char c : text.substr(digits)) {
    if (c != ' ') suffix += ToLower(c);
  }
  if (suffix.ends_with('b')) suffix.pop_back();
  for (const Unit& unit : kUnits) {
    const auto same = [](char a, char b) { return a == ToLower(b); };
    if (digits > 0 && digits < 16 && std::ranges::equal(suffix, unit.suffix, same)) {
      return std::string(text.substr(0, digits)) + std::string(unit.suffix);
    }
  }
  return "64Mi, 1Gi or a number of bytes";
}

// How many letters must be added, removed, replaced or swapped with their neighbour to make `b` of
// `a`, without regard to case.
std::size_t Distance(std::string_view a, std::string_view b) {
  const auto same = [&](std::size_t i, std::size_t j) { return ToLower(a[i]) == ToLower(b[j]); };
  std::vector<std::vector<std::size_t>> least(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        least[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = least[i - 1][j - 1] + (same(i - 1, j - 1) ? 0 : 1);
      least[i][j] = std::min({least[i - 1][j] + 1, least[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && same(i - 1, j - 2) && same(i - 2, j - 1)) {
        least[i][j] = std::min(least[i][j], least[i - 2][j - 2] + 1);
      }
    }
  }
  return least[a.size()][b.size()];
}

}  // namespace

Result<std::string> ReadText(const yaml::Node& node) {
  if (node.kind() == yaml::Kind::kNumber || node.kind() == yaml::Kind::kBool) {
    return Invalid("not a string; put it in quotes");
  }
  if (node.kind() != yaml::Kind::kString) return Invalid("not a string; write one");
  if (node.text().empty()) return Invalid("empty; write a value");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(node.text(), is_control)) {
    return Invalid("holds a control character; remove it");
  }
  return node.text();
}

Result<std::string> ReadName(const yaml::Node& node) {
  ASSIGN_OR_RETURN(const std::string name, ReadText(node));
  if (IsDnsName(name)) return name;
  if (std::ranges::any_of(name, IsUpper)) return Invalid("not a name; write it in lower case");
  return Invalid("not a name; write a-z, 0-9, - and dots, such as gw1");
}

Result<std::string> ReadHost(const yaml::Node& node) {
  ASSIGN_OR_RETURN(const std::string host, ReadText(node));
  if (IsIp(host)) return Invalid("an address; write the name in the certificate");
  if (IsDnsName(host)) return host;
  if (std::ranges::any_of(host, IsUpper)) return Invalid("not a host name; write it in lower case");
  return Invalid("not a host name; write a-z, 0-9, - and dots, such as gw1.dmz.example");
}

Result<Address> ReadAddress(const yaml::Node& node) {
  ASSIGN_OR_RETURN(const std::string text, ReadText(node));
  if (const auto address = ToAddress(text, kLinkPort)) return *address;
  return Invalid("not an address; write a name or IP and perhaps a port, such as 10.0.0.1:5723");
}

Result<std::string> ReadBind(const yaml::Node& node) {
  if (node.kind() == yaml::Kind::kString && node.text().empty()) return node.text();
  ASSIGN_OR_RETURN(const std::string text, ReadText(node));
  if (IsIp(text)) return text;
  return Invalid("not an IP; write one of this machine's, or \"\" for every address");
}

Result<std::uint16_t> ReadPort(const yaml::Node& node) {
  if (node.kind() == yaml::Kind::kNumber) {
    if (const auto port = ToNumber(node.text(), 65535)) return static_cast<std::uint16_t>(*port);
  }
  return Invalid("not a port; write a whole number from 0 to 65535, without quotes");
}

Result<base::Duration> ReadDuration(const yaml::Node& node) {
  const Error refusal = Invalid("not a duration; write it as 5s, 200ms or 1h30m");
  if (node.kind() != yaml::Kind::kString) return refusal;
  std::string_view rest = node.text();
  base::Duration sum{0};
  for (int parts = 0; parts == 0 || !rest.empty(); ++parts) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits < 1 || digits > 5 || parts == 4) return refusal;
    const auto count = static_cast<std::int64_t>(*ToNumber(rest.substr(0, digits), 99'999));
    rest.remove_prefix(digits);
    const std::size_t letters = std::min(rest.find_first_of("0123456789"), rest.size());
    const std::string_view unit = rest.substr(0, letters);
    rest.remove_prefix(letters);
    if (unit == "ms") {
      sum += std::chrono::milliseconds(count);
    } else if (unit == "s") {
      sum += std::chrono::seconds(count);
    } else if (unit == "m") {
      sum += std::chrono::minutes(count);
    } else if (unit == "h") {
      sum += std::chrono::hours(count);
    } else {
      return refusal;
    }
  }
  return sum;
}

Result<std::uint64_t> ReadQuantity(const yaml::Node& node) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  const std::string_view text = node.text();
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto unit = std::ranges::find(kUnits, text.substr(digits), &Unit::suffix);
  if (digits == 0 || unit == std::end(kUnits)) {
    return Invalid("not a quantity; write it as " + MeantQuantity(text));
  }
  const std::uint64_t count = ToNumber(text.substr(0, digits), kMost).value_or(kMost);
  return count > kMost / unit->bytes ? kMost : count * unit->bytes;
}

Result<std::uint64_t> ReadQuantityFrom(const yaml::Node& node, std::uint64_t least,
                                       std::uint64_t most) {
  ASSIGN_OR_RETURN(const std::uint64_t bytes, ReadQuantity(node));
  if (bytes >= least && bytes <= most) return bytes;
  return Invalid(std::string(bytes < least ? "too little" : "too much") + "; write " +
                 ShowQuantity(least) + " to " + ShowQuantity(most));
}

Result<Endpoint> ReadEndpoint(const yaml::Node& node) {
  ASSIGN_OR_RETURN(const std::string url, ReadText(node));
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) {
    return Invalid("not an endpoint; write http:// or https:// in front of host and port");
  }
  std::string rest = url.substr(tls ? 8 : 7);
  if (rest.ends_with('/')) rest.pop_back();
  if (const auto address = ToAddress(rest, kOtlpGrpcPort)) return Endpoint{*address, tls};
  return Invalid(
      "not an endpoint; write only scheme, host and port, such as http://127.0.0.1:4317");
}

Result<std::string> ReadFolderBelow(const yaml::Node& node) {
  ASSIGN_OR_RETURN(const std::string path, ReadText(node));
  if (path.starts_with('/')) {
    return Invalid("absolute; write a path relative to the state folder");
  }
  for (std::string_view rest = path; true;) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") {
      return Invalid("leads elsewhere; write plain folder names, without . or ..");
    }
    if (slash == std::string_view::npos) return path;
    rest.remove_prefix(slash + 1);
  }
}

std::string ShowQuantity(std::uint64_t bytes) {
  for (const std::size_t i : {2, 1, 0}) {  // Gi, Mi, Ki
    if (bytes >= kUnits[i].bytes && bytes % kUnits[i].bytes == 0) {
      return std::to_string(bytes / kUnits[i].bytes) + std::string(kUnits[i].suffix);
    }
  }
  return std::to_string(bytes);
}

std::string_view Nearest(std::string_view text, std::span<const std::string_view> words) {
  std::string_view nearest;
  std::size_t least = 3;  // two slips of the finger
  for (const std::string_view word : words) {
    // A word shares at least half its letters, or it is another word; long texts are none of ours.
    if (text.size() > word.size() + 2) continue;
    const std::size_t distance = Distance(text, word);
    if (distance < least && 2 * distance <= word.size()) {
      nearest = word;
      least = distance;
    }
  }
  return nearest;
}

std::string NotOneOf(std::string_view text, std::span<const std::string_view> words) {
  std::string list;
  for (const std::string_view word : words) {
    if (!list.empty()) list += ", ";
    list += word;
  }
  const std::string_view nearest = Nearest(text, words);
  const std::string remedy =
      nearest.empty() ? "write one of them" : "did you mean " + std::string(nearest) + "?";
  return "not one of " + list + "; " + remedy;
}

}  // namespace postern::config
