#include "tests/chaos/load.h"

#include <algorithm>

namespace postern::chaos {

using integration::SteadySender;

namespace {
constexpr std::uint32_t kClients = 3;
constexpr std::uint32_t kApart = 1'000'000;  // batches of one client
}  // namespace

Load::Load(std::uint16_t port, integration::Batches batches) {
  for (std::uint32_t client = 0; client < kClients; ++client) {
    senders_.push_back(
        std::make_unique<SteadySender>(port, SteadySender::Patience::kOnce, batches));
    batches.after += kApart;
  }
}

bool Load::AwaitMore(int batches) {
  return std::ranges::all_of(senders_,
                             [batches](const auto& sender) { return sender->AwaitMore(batches); });
}

std::vector<std::string> Load::Stop() {
  std::vector<std::string> all;
  for (const auto& sender : senders_) {
    sender->Stop();
    all.insert(all.end(), sender->accepted().begin(), sender->accepted().end());
  }
  return all;
}

std::vector<std::vector<std::string>> Load::accepted() const {
  std::vector<std::vector<std::string>> each;
  each.reserve(senders_.size());
  for (const auto& sender : senders_) each.push_back(sender->accepted());
  return each;
}

}  // namespace postern::chaos
