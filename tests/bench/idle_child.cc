#include "tests/bench/idle_child.h"

#include <chrono>
#include <memory>
#include <utility>

#include "lib/otlp/testing/sample.h"

namespace postern::bench {
namespace {

constexpr base::Duration kAnswerBound = std::chrono::seconds(30);

record::StoreId StoreOf(std::uint32_t number) {
  record::StoreId store{};
  for (std::size_t i = 0; i < 4; ++i) store[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return store;
}

record::RecordPtr OneRecord(const std::string& host, std::uint32_t number) {
  const std::string body = otlp::MakeExport(otlp::Signal::kLogs, {.records = 1, .seed = number});
  record::Record made;
  made.origin = {.member = host, .store = StoreOf(number), .sequence = 1};
  made.body = base::Bytes::Copy(body);
  return std::make_shared<const record::Record>(std::move(made));
}

}  // namespace

base::Result<trust::IdentityPtr> MakeIdentity(const pki::Authority& authority,
                                              const std::string& host, base::WallTime now) {
  ASSIGN_OR_RETURN(const pki::PrivateKey key, pki::PrivateKey::Generate(pki::KeyType::kEcdsaP256));
  ASSIGN_OR_RETURN(const pki::Certificate leaf,
                   authority.Issue({.host = host, .key = key.public_key()}, now));
  const pki::Credentials own{.chain = {leaf}, .key = key};
  ASSIGN_OR_RETURN(pki::TlsContext server, pki::TlsContext::Server(own));
  ASSIGN_OR_RETURN(pki::TlsContext client, pki::TlsContext::Client(own));
  return std::make_shared<const trust::Identity>(
      trust::Identity{.host = host,
                      .group_id = authority.certificate().public_key_id(),
                      .serial = leaf.serial(),
                      .trust = {.roots = {authority.certificate()}},
                      .generation = 1,
                      .not_after = leaf.not_after(),
                      .server = std::move(server),
                      .client = std::move(client),
                      .warnings = {}});
}

IdleChild::IdleChild(trust::IdentityPtr identity, std::uint32_t number,
                     const link::ParentAddress& parent, link::LinkEnv& env)
    : env_(env),
      number_(number),
      options_{.host = identity->host},
      stored_(StoreOf(number)),
      outbox_{.live = {}, .stored = stored_},
      uplink_(env, options_, {parent}, std::move(identity), outbox_) {}

void IdleChild::Export() {
  outbox_.live.Push({.record = OneRecord(options_.host, number_),
                     .deadline = env_.loop.clock().Now() + kAnswerBound,
                     .done = [this](const record::Answer& answer) { answered_ = answer.ok(); }});
}

}  // namespace postern::bench
