#include "lib/pki/event.h"

#include <algorithm>

namespace postern::pki {
namespace {

struct Alias {
  int number;
  int means;
};

constexpr std::array kAliases = {
    Alias{20001, event::kNotRegistered},
    Alias{20077, event::kPrivateKeyMissing},
    Alias{21022, event::kNoCertificate},
    Alias{21036, event::kPrivateKeyMissing},
};

}  // namespace

const Event* FindEvent(int number) {
  const auto alias = std::ranges::find(kAliases, number, &Alias::number);
  if (alias != kAliases.end()) number = alias->means;
  const auto found = std::ranges::lower_bound(kEvents, number, {}, &Event::number);
  return found != kEvents.end() && found->number == number ? &*found : nullptr;
}

}  // namespace postern::pki
