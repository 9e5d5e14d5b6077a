// Pages: what the admin port answers.
//
// Decides answers only: lib/http serves them, Health knows the relay's state.
//
//   Pages pages(registry, health);
//   auto server = http::Server::Start(std::move(socket), {}, pages.AsHandler());
#pragma once

#include "lib/http/message.h"
#include "lib/http/server.h"
#include "lib/metrics/registry.h"
#include "sidecar/admin/health.h"

namespace postern::admin {

// Threads: any.
class Pages {
 public:
  // Both outlive the pages.
  Pages(const metrics::Registry& registry, Health& health) : registry_(registry), health_(health) {}

  // 404 for a path that is none of ours, 405 with Allow for a method that the page does not have.
  // HEAD is answered like GET; the server leaves the body out.
  http::Response Answer(const http::Request& request) const;

  // The pages outlive the server that is given this.
  http::Handler AsHandler() const;

 private:
  http::Response Metrics() const;
  http::Response Live() const;
  http::Response Ready(bool verbose) const;
  http::Response Drain() const;

  const metrics::Registry& registry_;
  Health& health_;
};

}  // namespace postern::admin
