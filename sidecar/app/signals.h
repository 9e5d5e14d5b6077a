// Signals: SIGINT and SIGTERM as events of the loop.
//
// Threads: loop. Made before any thread is, so that all of them inherit the mask.
#pragma once

#include <functional>

#include "lib/base/loop.h"
#include "lib/net/socket.h"

namespace postern::app {

class Signals final : private base::FdHandler {
 public:
  // Blocks the signals in this thread and those that it starts.
  Signals();
  ~Signals();

  // Calls `on_stop` for each signal that comes.
  void Watch(base::Loop& loop, std::function<void()> on_stop);

 private:
  void OnReady(bool readable, bool writable) override;

  net::Fd fd_;
  base::Loop* loop_ = nullptr;
  std::function<void()> on_stop_;
};

}  // namespace postern::app
