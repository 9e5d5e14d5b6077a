#include "sidecar/link/feed.h"

#include <algorithm>
#include <utility>

#include "lib/base/kill_point.h"
#include "sidecar/record/record_codec.h"

namespace postern::link {

using base::Code;
using base::Fail;
using base::Status;
using record::Record;
using std::chrono::milliseconds;

namespace {

// What a lane may have ready beyond what HTTP/2 asks for: the rest waits in the outbox, where it
// can still go elsewhere.
constexpr std::size_t kReady = 64 * 1024;

std::size_t SharedHistory(const LinkOptions& options, const lane::Welcome& welcome) {
  return std::min(options.History(), static_cast<std::size_t>(welcome.history));
}

}  // namespace

Feed::Feed(LinkEnv& env, const LinkOptions& options, std::string parent, Outbox& outbox,
           const lane::Welcome& welcome, std::function<void(const lane::Credit&)> ask)
    : env_(env),
      parent_(std::move(parent)),
      outbox_(outbox),
      ask_(std::move(ask)),
      session_(welcome.session),
      mark_(welcome.mark),
      keeper_(welcome.store),
      max_record_(welcome.max_record),
      credit_(welcome.credit),
      live_packer_(lane::Batch::Lane::kLive, {options.host, outbox.stored.store()}, env.codec,
                   SharedHistory(options, welcome)),
      data_packer_(lane::Batch::Lane::kData, {options.host, outbox.stored.store()}, env.codec,
                   SharedHistory(options, welcome)),
      last_batch_(env.loop.clock().Now()) {}

void Feed::Start() {
  KILL_POINT("child.welcome-data");
  outbox_.stored.StartAfter(mark_, keeper_);
}

void Feed::FillLive(bool compress, lane::Output& out) {
  const base::Instant now = env_.loop.clock().Now();
  while (HasLive() && out.size() < kReady) {
    while (HasLive() && !live_packer_.full()) {
      const LiveItem& next = outbox_.live.front();
      if (std::string why = WhyNever(*next.record); !why.empty()) {
        RejectLive(std::move(why));
        continue;
      }
      if (live_packer_.empty()) live_packer_.SetKeep(next.keep);
      if (next.keep != live_packer_.keep()) break;  // a batch says it of all its records
      const std::size_t bound = lane::BatchPacker::Bound(*next.record);
      if (bound + live_packer_.raw_size() > credit_.available()) {
        AskForCredit(outbox_.live.bytes(), bound + live_packer_.raw_size());
        break;
      }
      if (bound > lane::BatchPacker::kBatchSize && !live_packer_.empty()) break;
      const auto left = std::chrono::duration_cast<milliseconds>(next.deadline - now).count();
      const record::RecordPtr record = next.record;
      const std::uint64_t number = flight_.Add(outbox_.live.Pop());
      live_packer_.Add(number, static_cast<std::uint64_t>(std::max<std::int64_t>(1, left)),
                       *record);
    }
    if (live_packer_.empty()) return;
    Finish(live_packer_, 0, compress, out);
  }
}

void Feed::FillData(bool compress, lane::Output& out) {
  StoredQueue& stored = outbox_.stored;
  while (HasData() && out.size() < kReady) {
    while (record::RecordPtr next = stored.Next()) {
      if (const std::string why = WhyNever(*next); !why.empty()) {
        RejectStored(*next, why);
        continue;
      }
      const std::size_t bound = lane::BatchPacker::Bound(*next);
      if (data_packer_.full()) break;
      if (bound + data_packer_.raw_size() > credit_.available()) {
        AskForCredit(stored.unsent_bytes(), bound + data_packer_.raw_size());
        break;
      }
      if (bound > lane::BatchPacker::kBatchSize && !data_packer_.empty()) break;
      if (stored.next_was_sent()) env_.metrics.resent.Increment();
      if (stored.next_may_repeat()) next = record::AsPossibleRepeat(next);
      // A batch numbers its records by itself; what a rejected one leaves is a lead.
      const std::uint64_t sequence = stored.next_sequence();
      const bool follows = !data_packer_.empty();
      data_packer_.Add(sequence, follows ? sequence - data_sent_through_ - 1 : 0, *next);
      data_sent_through_ = sequence;
      stored.Advance();
    }
    if (data_packer_.empty()) return;
    Finish(data_packer_, session_, compress, out);
  }
}

void Feed::Finish(lane::BatchPacker& packer, std::uint64_t session, bool compress,
                  lane::Output& out) {
  sent_ += packer.raw_size();
  credit_.Spend(packer.raw_size());
  packer.Finish(session, compress, out);
  last_batch_ = env_.loop.clock().Now();
}

void Feed::AskForCredit(std::uint64_t pending, std::uint64_t next) {
  if (const std::optional<lane::Credit> wish = credit_.Ask(pending, next)) ask_(*wish);
}

// Why no link to this parent can ever carry the record; empty where one can. The parent would end
// the link that brought it, and the next one, and the next.
std::string Feed::WhyNever(const Record& record) const {
  if (record.body.size() > max_record_) {
    return "an export of " + std::to_string(record.body.size()) + " bytes; parent " + parent_ +
           " takes at most " + std::to_string(max_record_) +
           " (its relay.maxRecord): send smaller batches";
  }
  if (record.hops >= record::kMaxHops) {
    return "the record has passed " + std::to_string(record::kMaxHops) +
           " links, the most allowed: look for a loop of parents";
  }
  return {};
}

void Feed::RejectLive(std::string why) {
  outbox_.live.Pop().done({.code = record::AnswerCode::kInvalidArgument,
                           .message = std::move(why),
                           .retry_after = {},
                           .response = {}});
}

void Feed::RejectStored(const Record& record, const std::string& why) {
  env_.metrics.rejected.Increment();
  env_.log.Warn("record rejected", {{"signal", record::SignalName(record.signal)},
                                    {"member", record.origin.member},
                                    {"sequence", record.origin.sequence},
                                    {"why", why}});
  outbox_.stored.Reject(why);
}

Status Feed::OnLiveAck(const lane::LiveAck& ack) {
  if (!flight_.Answer(ack.first, ack.count, ack.answer)) {
    return Fail(Code::kInvalid, "parent answered a live record that was never sent");
  }
  env_.metrics.live_answered.Increment(static_cast<double>(ack.count));
  return {};
}

Status Feed::OnAck(const lane::Ack& ack) {
  if (!outbox_.stored.Acknowledge(ack.through)) {
    return Fail(Code::kInvalid, "parent acknowledged a stored record that was never sent");
  }
  return {};
}

void Feed::PutBack() {
  std::vector<LiveItem> unanswered = flight_.TakeAll();
  env_.metrics.resent.Increment(static_cast<double>(unanswered.size()));
  outbox_.live.PutBack(std::move(unanswered));
}

}  // namespace postern::link
