#include "sidecar/admin/pages.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::admin {
namespace {

constexpr std::string_view kIndex =
    "Postern relay\n"
    "\n"
    "GET  /metrics   metrics for Prometheus\n"
    "GET  /livez     whether the relay runs\n"
    "GET  /readyz    whether it takes traffic; ?verbose tells more\n"
    "POST /drain     stop taking traffic and pass on what is queued\n";

http::Response Page(int status, std::string body) {
  return {.status = status,
          .headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}},
          .body = std::move(body)};
}

http::Response WrongMethod(std::string_view allowed) {
  http::Response response = Page(405, "this page takes " + std::string(allowed) + "\n");
  response.headers.emplace_back("Allow", allowed);
  return response;
}

// A reason may quote a peer: it stays one line, and no terminal acts on it.
std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, '?');
  return text;
}

}  // namespace

http::Handler Pages::AsHandler() const {
  return [this](const http::Request& request) { return Answer(request); };
}

http::Response Pages::Answer(const http::Request& request) const {
  const std::string& path = request.path;
  if (path == "/drain") return request.method == "POST" ? Drain() : WrongMethod("POST");

  const bool known = path == "/" || path == "/metrics" || path == "/livez" || path == "/readyz";
  if (!known) return Page(404, "there is no such page; / lists those that there are\n");
  if (request.method != "GET" && request.method != "HEAD") return WrongMethod("GET, HEAD");
  if (path == "/metrics") return Metrics();
  if (path == "/livez") return Live();
  if (path == "/readyz") return Ready(request.Parameter("verbose").has_value());
  return Page(200, std::string(kIndex));
}

http::Response Pages::Metrics() const {
  http::Response response = Page(200, registry_.Render());
  response.content_type = metrics::Registry::kContentType;
  return response;
}

http::Response Pages::Live() const {
  return health_.Alive() ? Page(200, "ok\n") : Page(503, "the relay's loop does not turn\n");
}

http::Response Pages::Ready(bool verbose) const {
  const std::vector<std::string> reasons = health_.NotReady();
  const int status = reasons.empty() ? 200 : 503;
  if (reasons.empty() && !verbose) return Page(status, "ok\n");

  // The marks are those of Kubernetes' own /readyz?verbose.
  std::string body;
  if (verbose) body += health_.Alive() ? "[+] alive\n" : "[-] not alive\n";
  for (const std::string& reason : reasons) {
    body.append(verbose ? "[-] " : "").append(OneLine(reason)).append("\n");
  }
  if (verbose) body += reasons.empty() ? "[+] ready\n" : "[-] not ready\n";
  return Page(status, std::move(body));
}

http::Response Pages::Drain() const {
  health_.StartDrain();
  return Page(202, "draining; /readyz tells how far it is\n");
}

}  // namespace postern::admin
