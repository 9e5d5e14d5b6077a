#include "lib/net/intake.h"

namespace postern::net {

std::optional<Intake::Pass> Intake::Admit(const std::string& address) {
  if (connections_ >= limits_.connections || handshakes_ >= limits_.handshakes) return std::nullopt;
  const auto found = by_address_.find(address);
  if (found != by_address_.end() &&
      (found->second.connections >= limits_.connections_for_each_address ||
       found->second.handshakes >= limits_.handshakes_for_each_address)) {
    return std::nullopt;
  }
  Count& count = by_address_[address];
  ++count.connections;
  ++count.handshakes;
  ++connections_;
  ++handshakes_;
  return Pass(*this, address);
}

void Intake::Pass::Established() {
  if (established_) return;
  established_ = true;
  --intake_->handshakes_;
  --intake_->by_address_[address_].handshakes;
}

Intake::Pass::~Pass() {
  if (intake_ == nullptr) return;
  Established();
  --intake_->connections_;
  const auto found = intake_->by_address_.find(address_);
  if (--found->second.connections == 0) intake_->by_address_.erase(found);
}

}  // namespace postern::net
