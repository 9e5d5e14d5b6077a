#include "sidecar/app/relay_app.h"

#include <cstdio>
#include <fstream>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "lib/base/worker.h"
#include "lib/fs/posix_storage.h"
#include "lib/pki/event.h"
#include "sidecar/admin/admin.h"
#include "sidecar/app/backends.h"
#include "sidecar/app/health.h"
#include "sidecar/link/link_server.h"
#include "sidecar/link/uplink.h"
#include "sidecar/relay/relay.h"
#include "sidecar/relay/uplink_queue.h"
#include "sidecar/service/otlp/otlp_door.h"
#include "sidecar/store/abandonment.h"
#include "sidecar/store/dead_letters.h"
#include "sidecar/store/store.h"
#include "sidecar/trust/admission.h"
#include "sidecar/trust/identity_source.h"

namespace postern::app {

using base::Code;
using base::Error;
using base::Fail;
using base::Result;
using base::Status;
using std::chrono::milliseconds;

namespace {

constexpr base::Duration kHousekeeping = milliseconds(200);
// Long enough for children that have another parent to be on their way there.
constexpr base::Duration kLeastDrain = milliseconds(300);

trust::IdentityFiles FilesOf(const config::CertificateFiles& files) {
  return {.chain = files.chain, .key = files.key, .roots = files.roots};
}

std::set<std::string> MembersOf(const config::Members& members) {
  if (members.anyone) return {"*"};
  return {members.hosts.begin(), members.hosts.end()};
}

link::Compression CompressionOf(config::Compression wanted) {
  switch (wanted) {
    case config::Compression::kAuto: return link::Compression::kAuto;
    case config::Compression::kZstd: return link::Compression::kZstd;
    case config::Compression::kNone: return link::Compression::kNone;
  }
  return link::Compression::kAuto;
}

relay::AckMode AckModeOf(config::Ack wanted) {
  switch (wanted) {
    case config::Ack::kParent: return relay::AckMode::kParent;
    case config::Ack::kDurable: return relay::AckMode::kDurable;
    case config::Ack::kMemory: return relay::AckMode::kMemory;
    case config::Ack::kEndToEnd: return relay::AckMode::kEndToEnd;
  }
  return relay::AckMode::kDurable;
}

link::LinkOptions LinkOptionsOf(const config::Config& config) {
  return {.group = config.group,
          .host = config.host,
          .dead_after = config.dead_after,
          .compression = CompressionOf(config.compression),
          .max_record = static_cast<std::size_t>(config.relay.max_record)};
}

std::vector<link::ParentAddress> ParentsOf(const config::Config& config) {
  std::vector<link::ParentAddress> parents;
  for (const config::Parent& parent : config.parents) {
    link::ParentAddress address{.name = parent.name, .host = parent.host, .addresses = {}};
    for (const config::Address& target : parent.addresses) {
      address.addresses.push_back({target.host, target.port});
    }
    parents.push_back(std::move(address));
  }
  return parents;
}

Result<net::Fd> ListenAt(const std::string& ip, std::uint16_t port, const char* what) {
  ASSIGN_OR_RETURN(const net::SocketAddress address, net::SocketAddress::FromIp(ip, port));
  Result<net::Fd> socket = net::Listen(address);
  if (!socket) return socket.error().In(what);
  return socket;
}

}  // namespace

// In the order in which they are made; destroyed in reverse, so each outlives what refers to it.
struct RelayApp::Parts {
  Parts(config::Config wanted, base::EventLoop& main_loop, log::Logger& logger)
      : config(std::move(wanted)),
        loop(main_loop),
        log(logger),
        registry(POSTERN_VERSION),
        link_metrics(registry),
        relay_metrics(registry),
        resolver(loop),
        env{loop, scratch, resolver, codec, log, link_metrics},
        store_metrics(registry),
        link_options(LinkOptionsOf(config)),
        budget(config.relay.memory),
        admission(MembersOf(config.members)) {}

  const config::Config config;
  base::EventLoop& loop;
  log::Logger& log;
  metrics::Registry registry;
  link::LinkMetrics link_metrics;
  relay::RelayMetrics relay_metrics;
  net::Scratch scratch;
  net::Resolver resolver;
  compress::LaneCodec codec;
  link::LinkEnv env;
  store::StoreMetrics store_metrics;
  link::LinkOptions link_options;
  record::MemoryBudget budget;
  trust::Admission admission;
  fs::PosixStorage storage;
  base::WorkerThread disk{loop};
  base::WorkerThread cursor_disk{loop};
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::DeadLetters> letters;
  std::unique_ptr<relay::UplinkQueue> stored;  // with a parent, as the outbox
  std::optional<link::Outbox> outbox;
  std::unique_ptr<Backends> backends;
  std::unique_ptr<store::Abandonment> abandonment;
  std::unique_ptr<relay::Relay> relay;
  std::unique_ptr<trust::IdentitySource> identity;
  std::unique_ptr<link::LinkServer> server;
  std::unique_ptr<link::Uplink> uplink;
  std::unique_ptr<service::OtlpDoor> door;
  Health health{loop.clock()};
  std::unique_ptr<admin::Admin> admin;
  base::Timer housekeeping;
  base::Timer drain;
  base::Instant drain_began;
  bool draining = false;
  bool stop_asked = false;

  Status Build(const std::string& state_folder);
  Status BuildIdentity();
  Status BuildStore(const std::string& state_folder);
  Status BuildDoors();
  Status BuildAdmin();
  Status WritePorts(const std::string& state_folder) const;
  void TellIdentity(const trust::Identity& loaded) const;
  void OnIdentity(const trust::IdentityPtr& next);
  void Housekeep();
  void BeginDrain();
  void CheckDrained();
  void StopLinks();
  std::size_t Undelivered() const;
  bool PassedOn() const;
};

Status RelayApp::Parts::Build(const std::string& state_folder) {
  RETURN_IF_ERROR(BuildIdentity());
  RETURN_IF_ERROR(BuildStore(state_folder));
  relay::Relay::Options options{.host = config.host, .ack = AckModeOf(config.relay.ack)};
  if (config.parents.empty()) {
    for (const record::Signal signal : record::kSignals) {
      options.taken[static_cast<std::size_t>(signal)] = backends->accepts(signal);
    }
  }
  relay = std::make_unique<relay::Relay>(
      std::move(options), budget,
      relay::Relay::Ways{
          .store = *store, .live = outbox ? &outbox->live : nullptr, .backends = backends->sink()},
      relay_metrics);
  RETURN_IF_ERROR(BuildDoors());
  RETURN_IF_ERROR(BuildAdmin());
  RETURN_IF_ERROR(WritePorts(state_folder));
  relay_metrics.memory_total.Set(static_cast<double>(budget.total()));
  Housekeep();
  return {};
}

Status RelayApp::Parts::BuildStore(const std::string& state_folder) {
  const config::Relay& wanted = config.relay;
  const store::StoreEnv tools{loop, disk, cursor_disk, storage, budget, log, store_metrics};
  ASSIGN_OR_RETURN(store, store::Store::Open(tools, {.folder = state_folder + "/queue",
                                                     .max_bytes = wanted.queue_bytes,
                                                     .member = config.host,
                                                     .max_age = wanted.max_age,
                                                     .drop_oldest = wanted.drop_oldest,
                                                     .needs = relay::BackendFeed::Needs}));
  letters = std::make_unique<store::DeadLetters>(
      tools, store::DeadLetters::Options{
                 .folder = state_folder + "/dead-letter",
                 .max_bytes = store::DeadLetters::MaxBytes(wanted.queue_bytes, wanted.max_record)});
  ASSIGN_OR_RETURN(backends, Backends::Make(config.relay.backends, state_folder, storage,
                                            {.loop = loop, .log = log, .registry = registry}));
  if (config.parents.empty()) {
    RETURN_IF_ERROR(backends->Feed({loop, log, relay_metrics, registry, *letters}, *store));
  } else {
    ASSIGN_OR_RETURN(stored, relay::UplinkQueue::Make(*store, *letters));
    outbox.emplace(link::Outbox{.live = {}, .stored = *stored});
  }
  abandonment = std::make_unique<store::Abandonment>(loop, log, *store, relay::BackendFeed::Needs);
  return {};
}

Status RelayApp::Parts::BuildIdentity() {
  const trust::IdentityFiles files = FilesOf(config.certificate);
  ASSIGN_OR_RETURN(trust::IdentityPtr first,
                   trust::LoadIdentity(files, config.host, 1, loop.clock().WallNow()));
  TellIdentity(*first);
  for (const Error& warning : first->warnings) {
    log.Failed(log::Level::kWarn, "certificate has a finding", warning);
  }
  identity = std::make_unique<trust::IdentitySource>(
      loop, files, std::move(first),
      trust::IdentitySource::Hooks{
          .on_change = [this](const trust::IdentityPtr& next) { OnIdentity(next); },
          .on_refused =
              [this](const Error& why) {
                log.Failed(log::Level::kError, "new certificate refused, the old one stays", why);
              }});
  return {};
}

void RelayApp::Parts::TellIdentity(const trust::Identity& loaded) const {
  log.Info("certificate loaded", {{"event", pki::event::kCertificateLoaded},
                                  {"host", config.host},
                                  {"serial", loaded.serial}});
}

void RelayApp::Parts::OnIdentity(const trust::IdentityPtr& next) {
  TellIdentity(*next);
  if (server) server->SetIdentity(next);
  if (uplink) uplink->SetIdentity(next);
}

Status RelayApp::Parts::BuildDoors() {
  if (config.port) {
    ASSIGN_OR_RETURN(net::Fd socket, ListenAt(config.relay.bind, *config.port, "link port"));
    server = std::make_unique<link::LinkServer>(
        env, link_options, std::move(socket), identity->current(),
        link::LinkServer::Inside{
            .admission = admission, .sink = *relay, .budget = budget, .store = *store});
  }
  if (!config.parents.empty()) {
    uplink = std::make_unique<link::Uplink>(env, link_options, ParentsOf(config),
                                            identity->current(), *outbox);
    uplink->OnPath([this](const std::vector<std::string>& hosts) {
      if (server) server->SetPathAbove(hosts);
    });
    uplink->Start();
  }
  if (config.relay.otlp) {
    ASSIGN_OR_RETURN(net::Fd socket,
                     ListenAt(config.relay.otlp->bind, config.relay.otlp->grpc, "OTLP/gRPC port"));
    door = std::make_unique<service::OtlpDoor>(
        service::OtlpDoor::Inside{loop, scratch, budget, *relay, log},
        service::OtlpDoor::Options{.max_record = static_cast<std::size_t>(config.relay.max_record)},
        std::move(socket));
  }
  return {};
}

Status RelayApp::Parts::BuildAdmin() {
  health.OnDrain([this] { loop.Post([this] { BeginDrain(); }); });
  ASSIGN_OR_RETURN(net::Fd socket, ListenAt(config.relay.bind, config.relay.admin, "admin port"));
  ASSIGN_OR_RETURN(admin, admin::Admin::Start(std::move(socket), {}, registry, health));
  return {};
}

// Written by rename, so that whoever waits for the file reads it whole.
Status RelayApp::Parts::WritePorts(const std::string& state_folder) const {
  const std::string path = state_folder + "/relay.yaml";
  const std::string fresh = path + ".new";
  std::ofstream file(fresh, std::ios::trunc);
  file << "admin: " << admin->port() << "\n";
  if (door) file << "otlpGrpc: " << door->address().port() << "\n";
  if (server) file << "link: " << server->address().port() << "\n";
  file.close();
  if (!file || std::rename(fresh.c_str(), path.c_str()) != 0) {
    return Fail(
        Code::kUnavailable,
        "writing " + path + ": make the state folder writable, or name another with --state");
  }
  return {};
}

void RelayApp::Parts::Housekeep() {
  housekeeping = loop.PostAfter(kHousekeeping, [this] { Housekeep(); });
  health.Beat();
  relay_metrics.memory_used.Set(static_cast<double>(budget.used()));
  std::vector<std::string> reasons;
  if (uplink && !uplink->connected()) reasons.push_back(uplink->trouble());
  if (draining) reasons.emplace_back("draining");
  health.SetNotReady(std::move(reasons));
}

// === stopping ===

void RelayApp::Parts::BeginDrain() {
  if (draining) return;
  draining = true;
  drain_began = loop.clock().Now();
  log.Info("draining", {{"grace", config.relay.drain_grace}});
  Housekeep();
  relay->Drain();
  if (door) door->Drain();
  if (server) server->Drain(config.relay.drain_grace);
  drain = loop.PostAfter(milliseconds(50), [this] { CheckDrained(); });
}

// Records that nobody keeps once this process is gone.
std::size_t RelayApp::Parts::Undelivered() const {
  return relay->waiting() + (server ? server->unanswered() : 0);
}

// Whether the store holds nothing that is still to be passed on.
bool RelayApp::Parts::PassedOn() const { return stored ? stored->empty() : backends->empty(); }

void RelayApp::Parts::CheckDrained() {
  const base::Duration spent = loop.clock().Now() - drain_began;
  const bool empty = Undelivered() == 0 && PassedOn() && spent >= kLeastDrain;
  if (empty || spent >= config.relay.drain_grace) return StopLinks();
  drain = loop.PostAfter(milliseconds(50), [this] { CheckDrained(); });
}

void RelayApp::Parts::StopLinks() {
  if (uplink) uplink->Stop();
  if (server) server->Stop();
  // A turn for goodbyes to be written.
  drain = loop.PostAfter(milliseconds(50), [this] { loop.Stop(); });
}

RelayApp::RelayApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RelayApp::~RelayApp() = default;

Result<std::unique_ptr<RelayApp>> RelayApp::Make(const config::Config& config,
                                                 const std::string& state_folder,
                                                 base::EventLoop& loop, log::Logger& log) {
  auto parts = std::make_unique<Parts>(config, loop, log);
  RETURN_IF_ERROR(parts->Build(state_folder));
  return std::unique_ptr<RelayApp>(new RelayApp(std::move(parts)));
}

bool RelayApp::Run() {
  parts_->log.Info("relay started",
                   {{"name", parts_->config.name},
                    {"host", parts_->config.host},
                    {"admin", parts_->admin->port()},
                    {"otlp_grpc", parts_->door ? parts_->door->address().port() : 0},
                    {"link", parts_->server ? parts_->server->address().port() : 0}});
  parts_->loop.Run();
  const std::size_t left = parts_->Undelivered();
  const bool kept = !parts_->PassedOn();
  parts_->log.Info("relay stopped", {{"undelivered", left}, {"kept_for_next_start", kept}});
  return left == 0 && !kept;
}

void RelayApp::RequestStop() {
  parts_->loop.Post([parts = parts_.get()] {
    // Kubernetes may have asked by POST /drain before its SIGTERM: only a second signal means now.
    if (std::exchange(parts->stop_asked, true)) return parts->StopLinks();
    parts->BeginDrain();
  });
}

}  // namespace postern::app
