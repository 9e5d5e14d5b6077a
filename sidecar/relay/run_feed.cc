#include "sidecar/relay/run_feed.h"

#include <algorithm>
#include <utility>

#include "lib/base/kill_point.h"

namespace postern::relay {

namespace {

// Records looked at in a turn, and bytes of them, whatever becomes of them.
constexpr int kTurnRecords = 4096;
constexpr std::uint64_t kTurnBytes = std::uint64_t{4} << 20;
// When the ledger's disk is asked again.
constexpr base::Duration kSayAgain = std::chrono::milliseconds(100);

}  // namespace

base::Result<std::unique_ptr<RunFeed>> RunFeed::Make(const BackendFeed::Env& env,
                                                     store::Store& store, record::RunSink& sink,
                                                     Options options) {
  ASSIGN_OR_RETURN(auto reader, store::Reader::Make(
                                    store, BackendFeed::CursorName(options.backend, options.signal),
                                    {.max_behind = options.max_behind}));
  std::unique_ptr<RunFeed> feed(
      new RunFeed(env, store, std::move(reader), sink, std::move(options)));
  feed->PumpSoon();
  return feed;
}

RunFeed::RunFeed(const BackendFeed::Env& env, store::Store& store,
                 std::unique_ptr<store::Reader> reader, record::RunSink& sink, Options options)
    : env_(env),
      store_(store),
      reader_(std::move(reader)),
      sink_(sink),
      options_(std::move(options)),
      opened_through_(reader_->end()),
      said_(reader_->floor()),
      status_(env.log, env.loop.clock(), env.registry, options_.backend, options_.signal,
              options_.max_behind.value_or(store.max_bytes())) {
  reader_->OnReady([this] { Pump(); });
}

RunFeed::~RunFeed() = default;

void RunFeed::PumpSoon() {
  env_.loop.Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) Pump();
  });
}

void RunFeed::Pump() {
  // A sink may answer before Take returns: the loop below goes on then, instead of recursing.
  if (std::exchange(pumping_, true)) return;
  while (!out_ && !retry_.pending() && Advance()) {
  }
  status_.Behind(reader_->bytes_behind());
  pumping_ = false;
}

// Says what was answered, and sends the next run. False where there is nothing to do now.
bool RunFeed::Advance() {
  if (answered_ && !SaySteps()) {
    retry_ = env_.loop.PostAfter(kSayAgain, [this] { Pump(); });
    return false;
  }
  if (steps_.empty()) Collect();
  DropOld();
  if (Send()) return true;
  answered_ = true;
  if (!steps_.empty()) PumpSoon();  // a turn of its own: this one has looked at enough
  return false;
}

// Takes over what the store has, as far as one run goes.
void RunFeed::Collect() {
  std::uint64_t bytes = 0;
  std::uint64_t looked = 0;
  std::size_t taken = 0;
  for (int records = 0; taken < options_.most_records; ++records) {
    if (records == kTurnRecords || looked > kTurnBytes) return reader_->TellSoon();
    const store::Kept* const next = reader_->Peek();
    if (next == nullptr) return;
    const std::uint64_t size = next->record->body.size();
    const bool wanted = next->record->signal == options_.signal && !reader_->IsDone(next->sequence);
    if (wanted && taken > 0 && bytes + size > options_.most_bytes) return;
    looked += size;
    const store::Kept kept = *next;
    reader_->Next();
    if (wanted) {
      steps_.push_back({.kept = kept, .left = {}});
      bytes += size;
      ++taken;
    } else {
      Pass(kept.sequence);
    }
  }
}

// Others' records are said to be done with what comes before them.
void RunFeed::Pass(std::uint64_t sequence) {
  if (steps_.empty() || steps_.back().kept.record != nullptr) steps_.push_back({});
  steps_.back().kept.sequence = sequence;
}

// What was collected may have grown old, where the sink did not take it.
void RunFeed::DropOld() {
  for (Step& step : steps_) {
    if (step.kept.record == nullptr || step.left) continue;
    if (const auto why = reader_->WhyDropped(step.kept)) {
      step.left = store::Left{.reason = *why, .bytes = step.kept.record->body.size()};
    }
  }
}

// False where there is nothing that the sink has to see.
bool RunFeed::Send() {
  record::Run run{.signal = options_.signal,
                  .store = store_.id(),
                  .opened_through = opened_through_,
                  .records = {}};
  sent_.clear();
  for (std::size_t at = 0; at < steps_.size(); ++at) {
    const Step& step = steps_[at];
    if (step.kept.record == nullptr || step.left) continue;
    run.records.push_back({.sequence = step.kept.sequence, .record = step.kept.record});
    sent_.push_back(at);
  }
  if (sent_.empty() && met_) return false;
  out_ = true;
  answered_ = false;
  sink_.Take(std::make_shared<const record::Run>(std::move(run)),
             [this, alive = std::weak_ptr<bool>(alive_)](const record::RunAnswer& answer) {
               if (!alive.expired()) OnAnswer(answer);
             });
  return true;
}

void RunFeed::OnAnswer(const record::RunAnswer& answer) {
  if (answer.whole.ok()) {
    KILL_POINT("backend.answer-cursor");
    met_ = true;
    backoff_.Reset();
    status_.Refuses(false);
    letters_out_ = answer.rejected.size();
    for (const auto& [index, why] : answer.rejected) KeepLetter(sent_[index], why);
    if (letters_out_ == 0) EndRun();
  } else {
    out_ = false;
    status_.Refused(answer.whole);
    status_.Refuses(true);
    const base::Duration wait = std::max<base::Duration>(backoff_.Next(), answer.whole.retry_after);
    retry_ = env_.loop.PostAfter(wait, [this] { Pump(); });
  }
  Pump();
}

void RunFeed::KeepLetter(std::size_t step, const record::Answer& answer) {
  env_.letters.Keep(steps_[step].kept.record,
                    BackendFeed::CursorName(options_.backend, options_.signal), answer.message,
                    [this, step, answer, alive = std::weak_ptr<bool>(alive_)](
                        const base::Status& /*too large, or kept*/) {
                      if (alive.expired()) return;
                      Reject(steps_[step], answer);
                      if (--letters_out_ > 0) return;
                      EndRun();
                      Pump();
                    });
}

void RunFeed::EndRun() {
  out_ = false;
  answered_ = true;
}

void RunFeed::Reject(Step& step, const record::Answer& answer) {
  const record::Record& record = *step.kept.record;
  step.left = store::Left{.reason = store::Reason::kRejected, .bytes = record.body.size()};
  env_.metrics.rejected.Increment();
  status_.Rejected(record, answer);
}

// Tells the store what is done, in order. False where it cannot take that now.
bool RunFeed::SaySteps() {
  while (!steps_.empty()) {
    // What the sink took goes in one range, as far as there is nothing between.
    std::size_t taken = 0;
    while (taken < steps_.size() && !steps_[taken].left) ++taken;
    const std::size_t count = std::max<std::size_t>(taken, 1);
    const Step& last = steps_[count - 1];
    const std::uint64_t through = last.kept.sequence;
    if (through > said_) {
      const bool told =
          last.left ? reader_->Drop(said_, through, *last.left) : reader_->Done(said_, through);
      if (!told) return false;
      said_ = through;
    }
    steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return true;
}

}  // namespace postern::relay
