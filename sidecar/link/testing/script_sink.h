// ScriptSink: a sink whose answers a test gives: at once, later, or by a rule.
//
//   ScriptSink sink;                         // keeps everything until told
//   sink.AnswerNext({});                     // the oldest that waits
//   sink.OnDeliver([](const Record&) { return Answer{}; });   // from now on at once
//
// Threads: loop.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "sidecar/record/sink.h"

namespace postern::link {

class ScriptSink final : public record::Sink {
 public:
  // Returns the answer to give before Deliver returns, or nothing to keep the client waiting.
  using Rule = std::function<std::optional<record::Answer>(const record::Record&)>;

  struct Held {
    record::RecordPtr record;
    base::Instant deadline;
    record::Done done;
  };

  void OnDeliver(Rule rule) { rule_ = std::move(rule); }

  void Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) override {
    delivered_.push_back(record);
    std::optional<record::Answer> answer;
    if (rule_) answer = rule_(*record);
    if (answer) return done(*answer);
    held_.push_back({std::move(record), deadline, std::move(done)});
  }

  // Answers the oldest that waits. Requires that one does.
  void AnswerNext(const record::Answer& answer) { AnswerAt(0, answer); }
  void AnswerAt(std::size_t index, const record::Answer& answer) {
    const Held held = std::move(held_.at(index));
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
    held.done(answer);
  }
  void AnswerAll(const record::Answer& answer) {
    while (!held_.empty()) AnswerNext(answer);
  }

  // Every record that came, in order, with repeats.
  const std::vector<record::RecordPtr>& delivered() const { return delivered_; }
  const std::deque<Held>& held() const { return held_; }

 private:
  Rule rule_;
  std::vector<record::RecordPtr> delivered_;
  std::deque<Held> held_;
};

}  // namespace postern::link
