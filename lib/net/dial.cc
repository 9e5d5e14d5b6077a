#include "lib/net/dial.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/pki/event.h"

namespace postern::net {

using base::Code;
using base::Fail;
using base::Result;

namespace {

// One dead address must not use up the time of those behind it.
constexpr base::Duration kBoundForOneAddress = std::chrono::seconds(3);

}  // namespace

Dial::Dial(base::Loop& loop, Resolver& resolver, std::vector<HostPort> targets,
           base::Duration bound, Done done)
    : loop_(loop),
      resolver_(resolver),
      targets_(std::move(targets)),
      done_(std::move(done)),
      deadline_(loop.clock().Now() + bound),
      last_(Code::kUnavailable, "not tried yet") {
  CHECK(!targets_.empty(), "there is somewhere to dial");
  timer_ = loop_.PostAfter(base::Duration::zero(), [this] { NextTarget(); });
}

Dial::~Dial() { Drop(); }

void Dial::Drop() {
  if (!socket_.open()) return;
  loop_.Unwatch(socket_.get());
  socket_ = Fd();
}

void Dial::NextTarget() {
  if (target_ == targets_.size()) return Finish(last_);
  if (loop_.clock().Now() >= deadline_) {
    return Finish(Fail(Code::kTimeout, "connecting to " + targets_[0].host + ": no answer in time")
                      .As(pki::event::kConnectFailed));
  }
  const HostPort& target = targets_[target_++];
  timer_ = loop_.PostAfter(deadline_ - loop_.clock().Now(), [this] {
    query_.reset();
    last_ =
        Fail(Code::kTimeout, "resolving \"" + targets_[target_ - 1].host + "\": no answer in time")
            .As(pki::event::kNameNotResolved);
    NextTarget();
  });
  query_ = resolver_.Resolve(target, [this](Resolver::Addresses found) {
    query_.reset();
    addresses_.clear();
    address_ = 0;
    if (found) {
      addresses_ = *std::move(found);
    } else {
      last_ = found.error();
    }
    NextAddress();
  });
}

void Dial::NextAddress() {
  Drop();
  if (address_ == addresses_.size()) return NextTarget();
  const SocketAddress& address = addresses_[address_++];
  Result<Fd> socket = StartConnect(address);
  if (!socket) {
    last_ = socket.error();
    timer_ = loop_.PostAfter(base::Duration::zero(), [this] { NextAddress(); });
    return;
  }
  socket_ = *std::move(socket);
  const base::Duration left = deadline_ - loop_.clock().Now();
  timer_ = loop_.PostAfter(std::clamp(left, base::Duration::zero(), kBoundForOneAddress), [this] {
    last_ = Fail(Code::kTimeout,
                 "connecting to " + addresses_[address_ - 1].text() + ": no answer in time")
                .As(pki::event::kConnectFailed);
    NextAddress();
  });
  loop_.Watch(socket_.get(), false, true, *this);
}

void Dial::OnReady(bool /*readable*/, bool /*writable*/) {
  const base::Status outcome = ConnectOutcome(socket_, addresses_[address_ - 1]);
  if (!outcome) {
    last_ = outcome.error();
    return NextAddress();
  }
  loop_.Unwatch(socket_.get());
  TuneStream(socket_);
  Finish(std::move(socket_));
}

void Dial::Finish(Result<Fd> outcome) {
  timer_.Cancel();
  // Moved out first: `done` may destroy this object.
  const Done done = std::move(done_);
  done(std::move(outcome));
}

}  // namespace postern::net
