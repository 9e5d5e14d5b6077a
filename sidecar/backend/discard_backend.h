// DiscardBackend: takes everything, counts it and keeps nothing. For measuring.
//
//   DiscardBackend none({.name = "none"}, env);
//   none.Deliver(record, deadline, done);   // done is called before this returns
//
// Threads: loop.
#pragma once

#include "sidecar/backend/backend.h"

namespace postern::backend {

class DiscardBackend final : public Backend {
 public:
  DiscardBackend(About about, const BackendEnv& env);

  // Answers OK at once, whatever the body holds. Takes no memory.
  void Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) override;
};

}  // namespace postern::backend
