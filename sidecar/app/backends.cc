#include "sidecar/app/backends.h"

#include <fstream>
#include <iterator>
#include <utility>
#include <variant>

#include "sidecar/backend/discard_backend.h"
#include "sidecar/backend/file_backend.h"
#include "sidecar/backend/otlp_backend.h"

namespace postern::app {

using base::Code;
using base::Fail;
using base::Result;

namespace {

using BackendPtr = std::unique_ptr<backend::Backend>;

// What one backend is made from, whatever its kind.
struct Maker {
  const config::Backend& wanted;
  const std::string& state_folder;
  const backend::BackendEnv& env;

  backend::About About() const {
    return {.name = wanted.name,
            .signals = {.logs = wanted.signals.logs,
                        .metrics = wanted.signals.metrics,
                        .traces = wanted.signals.traces}};
  }

  Result<BackendPtr> operator()(const config::DiscardBackend&) const {
    return BackendPtr(std::make_unique<backend::DiscardBackend>(About(), env));
  }

  Result<BackendPtr> operator()(const config::FileBackend& file) const {
    ASSIGN_OR_RETURN(auto made, backend::FileBackend::Open(
                                    About(), {.folder = state_folder + "/" + file.path}, env));
    return BackendPtr(std::move(made));
  }

  Result<BackendPtr> operator()(const config::OtlpBackend& otlp) const {
    const bool v6 = otlp.endpoint.host.find(':') != std::string::npos;
    const std::string host = v6 ? "[" + otlp.endpoint.host + "]" : otlp.endpoint.host;
    rpc::UnaryChannel::Options channel{.endpoint = (otlp.tls ? "https://" : "http://") + host +
                                                   ":" + std::to_string(otlp.endpoint.port)};
    if (!otlp.ca_file.empty()) {
      std::ifstream roots(otlp.ca_file, std::ios::binary);
      channel.ca_pem.assign(std::istreambuf_iterator<char>(roots), {});
      if (!roots || channel.ca_pem.empty()) {
        return Fail(Code::kInvalid, "caFile " + otlp.ca_file + " cannot be read");
      }
    }
    ASSIGN_OR_RETURN(auto made, backend::OtlpBackend::Open(About(), {.channel = channel}, env));
    return BackendPtr(std::move(made));
  }
};

}  // namespace

Result<std::unique_ptr<Backends>> Backends::Make(const std::vector<config::Backend>& wanted,
                                                 const std::string& state_folder, base::Loop& loop,
                                                 log::Logger& log, metrics::Registry& registry) {
  const backend::BackendEnv env{.loop = loop, .log = log, .registry = registry};
  std::vector<BackendPtr> made;
  for (const config::Backend& one : wanted) {
    Result<BackendPtr> backend = std::visit(Maker{one, state_folder, env}, one.target);
    if (!backend) return backend.error().In("backend " + one.name);
    made.push_back(*std::move(backend));
  }
  return std::unique_ptr<Backends>(new Backends(std::move(made)));
}

}  // namespace postern::app
