#include "tests/chaos/endpoint.h"

#include <algorithm>

#include "lib/otlp/testing/sample.h"
#include "tests/integration/relay.h"
#include "tests/integration/sender.h"
#include "tests/support/eventually.h"

namespace postern::chaos {

using rpc::FakeServer;

namespace {

bool IsMarked(const FakeServer::Request& request) {
  return std::ranges::any_of(request.metadata, [](const auto& header) {
    return header.first == "postern-repeat" && header.second == "possible";
  });
}

}  // namespace

Endpoint::Endpoint(std::uint16_t port) : server_(FakeServer::Options{.port = port}) {
  AnswerWith({});
}

void Endpoint::AnswerWith(const FakeServer::Reply& reply) {
  server_.AnswerBy([this, reply](const FakeServer::Request& request) {
    const std::lock_guard lock(mutex_);
    const bool taken = Take(request, reply.code == 0);
    if (reply.code == 0 && !taken) return FakeServer::Reply{.code = 14};
    return reply;
  });
}

void Endpoint::Refuse(const std::string& id) {
  const std::lock_guard lock(mutex_);
  refused_ = id;
}

bool Endpoint::Take(const FakeServer::Request& request, bool may_be_taken) {
  std::vector<std::string> ids = otlp::RecordIds(otlp::Signal::kLogs, request.body.view());
  const bool taken = may_be_taken && std::ranges::find(ids, refused_) == ids.end();
  noted_.push_back(
      {.peer = request.peer, .marked = IsMarked(request), .taken = taken, .ids = std::move(ids)});
  return taken;
}

std::string Endpoint::AsBackend(const std::string& more) const {
  return "  - {name: remote, " + more + "otlp: {endpoint: \"" + server_.endpoint() + "\"}}\n";
}

int Endpoint::requests() const { return static_cast<int>(noted().size()); }

std::vector<Endpoint::Noted> Endpoint::noted() const {
  const std::lock_guard lock(mutex_);
  return noted_;
}

std::vector<std::string> Endpoint::all() const {
  std::vector<std::string> all;
  for (const Noted& one : noted()) {
    if (one.taken) all.insert(all.end(), one.ids.begin(), one.ids.end());
  }
  return all;
}

std::vector<std::string> Endpoint::unmarked() const {
  std::vector<std::string> unmarked;
  for (const Noted& one : noted()) {
    if (one.taken && !one.marked) unmarked.insert(unmarked.end(), one.ids.begin(), one.ids.end());
  }
  return unmarked;
}

bool Endpoint::Awaits(const std::vector<std::string>& ids) const {
  return support::Eventually([&] { return integration::Lost(ids, all()).empty(); },
                             integration::kSoon);
}

}  // namespace postern::chaos
