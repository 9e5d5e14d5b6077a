#include "sidecar/app/backends.h"

#include <algorithm>
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

// What goes over the network goes in larger requests where it waits anyway: a Collector's receiver
// takes 4 MiB.
constexpr std::uint64_t kMostMerged = std::uint64_t{4} << 20;
// Where a repeat hurts nobody.
constexpr std::size_t kMostForgotten = 4096;

}  // namespace

// What one backend is made from, whatever its kind.
struct Backends::Maker {
  const config::Backend& wanted;
  const std::string& state_folder;
  fs::Storage& storage;
  const backend::BackendEnv& env;

  backend::About About() const {
    return {.name = wanted.name,
            .signals = {.logs = wanted.signals.logs,
                        .metrics = wanted.signals.metrics,
                        .traces = wanted.signals.traces}};
  }

  Result<Made> operator()(const config::DiscardBackend&) const {
    Made made;
    made.backend = std::make_unique<backend::DiscardBackend>(About(), env);
    made.in_flight = kMostForgotten;
    return made;
  }

  Result<Made> operator()(const config::FileBackend& file) const {
    Made made;
    made.worker = std::make_unique<base::WorkerThread>(env.loop);
    ASSIGN_OR_RETURN(auto backend,
                     backend::FileBackend::Open(About(), {.folder = state_folder + "/" + file.path},
                                                {storage, *made.worker}, env));
    made.runs = backend.get();
    made.backend = std::move(backend);
    return made;
  }

  Result<Made> operator()(const config::OtlpBackend& otlp) const {
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
    Made made;
    made.most_merged = kMostMerged;
    ASSIGN_OR_RETURN(made.backend, backend::OtlpBackend::Open(About(), {.channel = channel}, env));
    return made;
  }
};

Result<std::unique_ptr<Backends>> Backends::Make(const std::vector<config::Backend>& wanted,
                                                 const std::string& state_folder,
                                                 fs::Storage& storage,
                                                 const backend::BackendEnv& env) {
  std::vector<Made> made;
  for (const config::Backend& one : wanted) {
    Result<Made> backend = std::visit(Maker{one, state_folder, storage, env}, one.target);
    if (!backend) return backend.error().In("backend " + one.name);
    made.push_back(*std::move(backend));
    made.back().max_behind = one.max_behind;
  }
  return std::unique_ptr<Backends>(new Backends(std::move(made)));
}

Backends::Backends(std::vector<Made> made) : made_(std::move(made)), fan_out_(All()) {}

std::vector<backend::Backend*> Backends::All() const {
  std::vector<backend::Backend*> all;
  all.reserve(made_.size());
  for (const Made& one : made_) all.push_back(one.backend.get());
  return all;
}

base::Status Backends::Feed(const relay::BackendFeed::Env& env, store::Store& store) {
  const auto feed = [&](record::Sink& sink, relay::BackendFeed::Options options) -> base::Status {
    ASSIGN_OR_RETURN(auto made, relay::BackendFeed::Make(env, store, sink, std::move(options)));
    feeds_.push_back(std::move(made));
    return {};
  };
  for (const record::Signal signal : record::kSignals) {
    for (const Made& one : made_) {
      if (!one.backend->accepts(signal)) continue;
      if (one.runs != nullptr) {
        ASSIGN_OR_RETURN(auto made, relay::RunFeed::Make(env, store, *one.runs,
                                                         {.backend = one.backend->name(),
                                                          .signal = signal,
                                                          .max_behind = one.max_behind}));
        run_feeds_.push_back(std::move(made));
        continue;
      }
      RETURN_IF_ERROR(feed(*one.backend, {.backend = one.backend->name(),
                                          .signal = signal,
                                          .in_flight = one.in_flight,
                                          .most_merged = one.most_merged,
                                          .max_behind = one.max_behind}));
    }
    // What nobody takes stays until somebody does: a backend that is added gets it.
    if (!fan_out_.accepts(signal))
      RETURN_IF_ERROR(feed(fan_out_, {.backend = "", .signal = signal}));
  }
  return {};
}

bool Backends::empty() const {
  const auto is_empty = [](const auto& feed) { return feed->empty(); };
  return std::all_of(feeds_.begin(), feeds_.end(), is_empty) &&
         std::all_of(run_feeds_.begin(), run_feeds_.end(), is_empty);
}

}  // namespace postern::app
