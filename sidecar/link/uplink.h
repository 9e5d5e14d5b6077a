// Uplink: keeps a relay linked to its parent, whatever happens to single links.
//
// Redials with back-off; opens a successor before a link ends on purpose (a new leaf, a parent that
// drains), and lets the old one finish what it sent.
//
//   current: carries     next: dials, says Hello     retired: wait for their last answers
//
// Threads: loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/backoff.h"
#include "sidecar/link/parent_link.h"

namespace postern::link {

class Uplink final : private ParentLink::Observer {
 public:
  // Everything referred to outlives the uplink.
  // `parents` is not empty; they are tried in turn until one takes this relay in.
  Uplink(LinkEnv& env, const LinkOptions& options, std::vector<ParentAddress> parents,
         trust::IdentityPtr identity, Outbox& outbox);
  ~Uplink();

  // `on_path` is called with the hosts above this relay, its parent first, when they change.
  void OnPath(std::function<void(const std::vector<std::string>&)> on_path) {
    on_path_ = std::move(on_path);
  }
  // Starts dialling.
  void Start();
  // New links show the new leaf; the current one is replaced before it is closed.
  void SetIdentity(trust::IdentityPtr identity);
  // Dials no more and closes every link; what was not answered stays in the outbox.
  void Stop();

  bool connected() const { return current_ != nullptr; }
  // Why there is no link now; empty where there is one.
  const std::string& trouble() const { return trouble_; }

 private:
  void OnWelcome(ParentLink& link) override;
  void OnPath(ParentLink& link) override;
  void OnDrainAsked(ParentLink& link) override;
  void OnOver(ParentLink& link, const base::Error& why) override;

  void DialNext();
  void ReplaceCurrent();
  void Expire();
  void Tell(const base::Error& why);

  LinkEnv& env_;
  const LinkOptions& options_;
  const std::vector<ParentAddress> parents_;
  std::size_t turn_ = 0;  // whose turn it is to be dialled
  trust::IdentityPtr identity_;
  Outbox& outbox_;
  base::Backoff backoff_;
  base::Instant linked_at_;  // the current link, or the last one
  base::Timer redial_;
  base::Timer expire_;
  std::unique_ptr<ParentLink> current_;
  std::unique_ptr<ParentLink> next_;
  std::vector<std::unique_ptr<ParentLink>> retired_;
  std::vector<std::string> path_;
  std::function<void(const std::vector<std::string>&)> on_path_ = [](const auto&) {};
  std::string trouble_ = "not linked to the parent yet";
  bool stopped_ = false;
};

}  // namespace postern::link
