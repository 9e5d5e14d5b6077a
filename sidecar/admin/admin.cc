#include "sidecar/admin/admin.h"

namespace postern::admin {

base::Result<std::unique_ptr<Admin>> Admin::Start(net::Fd socket,
                                                  const http::Server::Options& options,
                                                  const metrics::Registry& registry,
                                                  Health& health) {
  std::unique_ptr<Admin> admin(new Admin(registry, health));
  auto server = http::Server::Start(std::move(socket), options, admin->pages_.AsHandler());
  if (!server) return std::move(server).error().In("opening the admin port");
  admin->server_ = *std::move(server);
  return admin;
}

}  // namespace postern::admin
