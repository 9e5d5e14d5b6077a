// Admin: a relay's admin port, from Start until it is destroyed.
//
// Only joins two parts: Pages decides what is answered, http::Server answers.
//
//   ASSIGN_OR_RETURN(auto admin, Admin::Start(*net::Listen(address), {}, registry, health));
#pragma once

#include <memory>

#include "lib/base/result.h"
#include "lib/http/server.h"
#include "lib/metrics/registry.h"
#include "sidecar/admin/health.h"
#include "sidecar/admin/pages.h"

namespace postern::admin {

// Threads: any.
class Admin {
 public:
  // `socket` listens already; `registry` and `health` outlive it. Codes: those of
  // http::Server::Start.
  static base::Result<std::unique_ptr<Admin>> Start(net::Fd socket,
                                                    const http::Server::Options& options,
                                                    const metrics::Registry& registry,
                                                    Health& health);

  std::uint16_t port() const { return server_->port(); }

 private:
  Admin(const metrics::Registry& registry, Health& health) : pages_(registry, health) {}

  const Pages pages_;
  std::unique_ptr<http::Server> server_;  // goes first: it calls the pages
};

}  // namespace postern::admin
