// Outbox: what a relay has to send to its parent, whichever link carries it.
//
// Threads: loop.
#pragma once

#include "sidecar/link/live_queue.h"
#include "sidecar/link/stored_queue.h"

namespace postern::link {

struct Outbox {
  LiveQueue live;       // its clients wait for the end's answer
  StoredQueue& stored;  // its clients were answered; this relay answers for it
};

}  // namespace postern::link
