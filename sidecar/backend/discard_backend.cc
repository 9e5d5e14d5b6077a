#include "sidecar/backend/discard_backend.h"

#include <utility>

namespace postern::backend {

DiscardBackend::DiscardBackend(About about, const BackendEnv& env)
    : Backend(std::move(about), env) {}

void DiscardBackend::Deliver(record::RecordPtr record, base::Instant, record::Done done) {
  Settle(*record, {}, done);
}

}  // namespace postern::backend
