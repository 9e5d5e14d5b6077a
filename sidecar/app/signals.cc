#include "sidecar/app/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "lib/base/check.h"

namespace postern::app {

Signals::Signals() {
  sigset_t stopping;
  sigemptyset(&stopping);
  sigaddset(&stopping, SIGINT);
  sigaddset(&stopping, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stopping, nullptr);
  // A peer that goes away is an error of write, not the end of the program.
  (void)std::signal(SIGPIPE, SIG_IGN);
  // At a file size limit a write fails; that ends no program either.
  (void)std::signal(SIGXFSZ, SIG_IGN);
  fd_ = net::Fd(signalfd(-1, &stopping, SFD_NONBLOCK | SFD_CLOEXEC));
  CHECK(fd_.open(), "the kernel gives a descriptor for signals");
}

Signals::~Signals() {
  if (loop_ != nullptr) loop_->Unwatch(fd_.get());
}

void Signals::Watch(base::Loop& loop, std::function<void()> on_stop) {
  loop_ = &loop;
  on_stop_ = std::move(on_stop);
  loop.Watch(fd_.get(), true, false, *this);
}

void Signals::OnReady(bool /*readable*/, bool /*writable*/) {
  signalfd_siginfo signal{};
  while (read(fd_.get(), &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal)) on_stop_();
}

}  // namespace postern::app
