// Health: what a relay says of itself to whoever probes it.
//
// Implemented in sidecar/app. Called on the admin port's thread, while the relay's loop may be busy
// or stuck: an implementation reads what the loop has published, it does not ask the loop.
#pragma once

#include <string>
#include <vector>

namespace postern::admin {

// Threads: any.
class Health {
 public:
  // Returns why no traffic should come here now, one sentence each: "no parent is linked". Empty:
  // ready.
  virtual std::vector<std::string> NotReady() const = 0;

  // Whether the loop still turns. False makes Kubernetes restart the relay, so nothing that a
  // restart does not mend (a parent that is away, a full queue) makes it false.
  virtual bool Alive() const = 0;

  // Begins a drain and returns at once; a drain that has begun already goes on.
  virtual void StartDrain() = 0;

 protected:
  ~Health() = default;
};

}  // namespace postern::admin
