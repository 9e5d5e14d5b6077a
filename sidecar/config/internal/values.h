// The grammar of single values: what a host, a duration or a quantity is, and what to say of one
// that is not. Each reader takes the node of a field; its error is "what is wrong; remedy",
// kInvalid.
//
//   Result<std::uint64_t> bytes = ReadQuantity(node);   // "not a quantity; write it as 64Mi"
//
// Knows no field and no rule between fields: those are the sections' (sections.h).
// Threads: any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/yaml/node.h"
#include "sidecar/config/config.h"

namespace postern::config {

// Any string that is not empty and holds no control character.
base::Result<std::string> ReadText(const yaml::Node& node);
// A resource's name: as a host.
base::Result<std::string> ReadName(const yaml::Node& node);
// A DNS name in lower case, one label or more, at most 253 characters, and not an address.
base::Result<std::string> ReadHost(const yaml::Node& node);
// A name or IP, optionally with ":port" (else 5723); IPv6 with a port in brackets.
base::Result<Address> ReadAddress(const yaml::Node& node);
// "" or an IP.
base::Result<std::string> ReadBind(const yaml::Node& node);
// 0 to 65535.
base::Result<std::uint16_t> ReadPort(const yaml::Node& node);
// `^([0-9]{1,5}(ms|s|m|h)){1,4}$`.
base::Result<base::Duration> ReadDuration(const yaml::Node& node);
// Whole bytes: digits, and Ki, Mi, Gi, k, M, G or nothing. What exceeds 64 bits is the largest
// number.
base::Result<std::uint64_t> ReadQuantity(const yaml::Node& node);
// The same, from `least` to `most`.
base::Result<std::uint64_t> ReadQuantityFrom(const yaml::Node& node, std::uint64_t least,
                                             std::uint64_t most);

// What an OTLP endpoint's URL says: http or https, a name or IP, and a port (else 4317).
struct Endpoint {
  Address address;
  bool tls = false;
};
base::Result<Endpoint> ReadEndpoint(const yaml::Node& node);

// A folder below another: relative, no "..", nothing empty between slashes.
base::Result<std::string> ReadFolderBelow(const yaml::Node& node);

// Returns `bytes` as people write it: 64Mi.
std::string ShowQuantity(std::uint64_t bytes);

// Returns which of `words` was probably meant by `text`; empty where none is near.
std::string_view Nearest(std::string_view text, std::span<const std::string_view> words);

// Returns "not one of A, B; did you mean A?".
std::string NotOneOf(std::string_view text, std::span<const std::string_view> words);

// One of a few words, each with its meaning.
template <typename T>
base::Result<T> ReadChoice(const yaml::Node& node,
                           std::span<const std::pair<std::string_view, T>> choices) {
  std::vector<std::string_view> words;
  for (const auto& [word, meaning] : choices) {
    if (node.kind() == yaml::Kind::kString && node.text() == word) return meaning;
    words.push_back(word);
  }
  return base::Fail(base::Code::kInvalid, NotOneOf(node.text(), words));
}

}  // namespace postern::config
