// IdleChild: one child of many, each with a name, a certificate and an outbox of its own, all in
// one process and on one loop. It links, sends one export, and stays.
//
//   IdleChild child(authority, "idle-7.bench.example", parent, env);
//   child.Start();
//   … once child.linked(): child.Export();  … later child.answered() …
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/result.h"
#include "lib/pki/authority.h"
#include "sidecar/link/link_env.h"
#include "sidecar/link/outbox.h"
#include "sidecar/link/testing/memory_queue.h"
#include "sidecar/link/uplink.h"
#include "sidecar/record/memory_budget.h"
#include "sidecar/trust/identity.h"

namespace postern::bench {

// Returns an identity with a key and a leaf made now. Fails as Authority::Issue does.
base::Result<trust::IdentityPtr> MakeIdentity(const pki::Authority& authority,
                                              const std::string& host, base::WallTime now);

class IdleChild {
 public:
  // `env` outlives the child. `number` tells its store from the others'.
  IdleChild(trust::IdentityPtr identity, std::uint32_t number, const link::ParentAddress& parent,
            link::LinkEnv& env);

  void Start() { uplink_.Start(); }
  void Stop() { uplink_.Stop(); }
  bool linked() const { return uplink_.connected(); }
  const std::string& trouble() const { return uplink_.trouble(); }

  // Hands one export of one log record to the link.
  void Export();
  // Whether that export was answered with OK.
  bool answered() const { return answered_; }

 private:
  link::LinkEnv& env_;
  std::uint32_t number_;
  link::LinkOptions options_;
  link::MemoryQueue stored_;
  link::Outbox outbox_;
  link::Uplink uplink_;
  bool answered_ = false;
};

}  // namespace postern::bench
