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
    ++requests_;
    if (reply.code == 0 && !Take(request)) return FakeServer::Reply{.code = 14};
    return reply;
  });
}

void Endpoint::Refuse(const std::string& id) {
  const std::lock_guard lock(mutex_);
  refused_ = id;
}

bool Endpoint::Take(const FakeServer::Request& request) {
  std::vector<std::string> ids = otlp::RecordIds(otlp::Signal::kLogs, request.body.view());
  if (std::ranges::find(ids, refused_) != ids.end()) return false;
  for (std::string& id : ids) {
    if (!IsMarked(request)) unmarked_.push_back(id);
    all_.push_back(std::move(id));
  }
  return true;
}

std::string Endpoint::AsBackend(const std::string& more) const {
  return "  - {name: remote, " + more + "otlp: {endpoint: \"" + server_.endpoint() + "\"}}\n";
}

int Endpoint::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<std::string> Endpoint::all() const {
  const std::lock_guard lock(mutex_);
  return all_;
}

std::vector<std::string> Endpoint::unmarked() const {
  const std::lock_guard lock(mutex_);
  return unmarked_;
}

bool Endpoint::Awaits(const std::vector<std::string>& ids) const {
  return support::Eventually([&] { return integration::Lost(ids, all()).empty(); },
                             integration::kSoon);
}

}  // namespace postern::chaos
