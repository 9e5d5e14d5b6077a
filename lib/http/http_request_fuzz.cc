// Whatever bytes come, the server answers or hangs up, and serves the next client.
//
// The library itself is Debian's and not instrumented, so this looks for crashes and for what our
// reading of its requests does, not for new paths inside it.
#include <cstdint>
#include <memory>
#include <string_view>

#include "lib/base/check.h"
#include "lib/http/server.h"
#include "lib/http/testing/http_get.h"
#include "lib/net/address.h"
#include "lib/net/socket.h"

namespace {

using postern::http::Request;
using postern::http::Response;
using postern::http::Server;

// Half a request is an input too, and costs the timeout.
std::unique_ptr<Server> Start() {
  auto server = Server::Start(
      *postern::net::Listen(*postern::net::SocketAddress::FromIp("127.0.0.1", 0)),
      {.timeout = std::chrono::milliseconds(20), .head_bytes = 4096, .body_bytes = 256},
      [](const Request& request) -> Response {
        CHECK(request.body.size() <= 256, "a body is bounded");
        CHECK(request.path.size() + request.method.size() <= 4096, "a head is bounded");
        return {.status = request.path == "/" ? 200 : 404, .body = request.path};
      });
  CHECK(server, "the server starts");
  return *std::move(server);
}

// A busy machine may take longer over a good request than the timeout that a bad one is to cost.
bool Serves(const Server& server) {
  for (int tries = 0; tries < 20; ++tries) {
    if (postern::http::Get(server.port(), "/").status == 200) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<Server> server = Start();
  postern::http::Exchange(server->port(), {reinterpret_cast<const char*>(data), size});
  CHECK(Serves(*server), "the next client is served");
  return 0;
}
