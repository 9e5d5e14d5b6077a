// Bench: what a backend needs around it in a test, and what it said.
//
//   Bench bench;
//   DiscardBackend none({.name = "none"}, bench.env());
//   none.Deliver(MakeRecord("body"), bench.In(10s), bench.Taker());
//   EXPECT_TRUE(bench.Await(1)[0].ok());
//
// The loop is a real one: backends have threads of their own.
// Threads: loop.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/event_loop.h"
#include "lib/log/testing/capture.h"
#include "sidecar/backend/backend.h"

namespace postern::backend {

inline record::RecordPtr MakeRecord(std::string_view body,
                                    record::Signal signal = record::Signal::kLogs,
                                    bool possible_repeat = false) {
  return std::make_shared<const record::Record>(record::Record{.signal = signal,
                                                               .metadata = {{"x-tenant", "blue"}},
                                                               .origin = {},
                                                               .possible_repeat = possible_repeat,
                                                               .body = base::Bytes::Copy(body)});
}

class Bench {
 public:
  BackendEnv env() { return {.loop = loop_, .log = capture_.logger(), .registry = registry_}; }
  base::EventLoop& loop() { return loop_; }
  log::Capture& capture() { return capture_; }
  // The figures as a scrape shows them.
  std::string Scrape() const { return registry_.Render(); }

  base::Instant In(base::Duration time) const { return clock_.Now() + time; }
  record::Done Taker() {
    return [this](record::Answer answer) { answers_.push_back(std::move(answer)); };
  }
  // Turns the loop until `count` answers came (at most 20 s) and returns all that did.
  const std::vector<record::Answer>& Await(std::size_t count) {
    const base::Instant end = In(std::chrono::seconds(20));
    while (answers_.size() < count && clock_.Now() < end) {
      loop_.RunOnce(std::chrono::milliseconds(50));
    }
    return answers_;
  }
  const std::vector<record::Answer>& answers() const { return answers_; }

 private:
  base::SystemClock clock_;
  base::EventLoop loop_{clock_};
  log::Capture capture_;
  metrics::Registry registry_{"test"};
  std::vector<record::Answer> answers_;
};

}  // namespace postern::backend
