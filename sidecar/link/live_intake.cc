#include "sidecar/link/live_intake.h"

#include <algorithm>
#include <utility>

namespace postern::link {

using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kLongestLead = 600'000;  // ms; 0 of the child means no bound

}  // namespace

void LiveIntake::Take(std::vector<lane::UnpackedRecord> records, bool keep,
                      const StoreIntake::Hold& hold) {
  unanswered_ += records.size();
  for (lane::UnpackedRecord& unpacked : records) {
    record::Done done = [this, number = unpacked.number, hold,
                         alive = std::weak_ptr<bool>(alive_)](const record::Answer& answer) {
      if (!alive.expired()) OnAnswer(number, answer);
    };
    if (keep) {
      Keep(std::move(unpacked.record), done);
    } else {
      Deliver(std::move(unpacked), std::move(done));
    }
  }
}

void LiveIntake::Deliver(lane::UnpackedRecord unpacked, record::Done done) {
  const std::uint64_t lead = unpacked.lead == 0 ? kLongestLead : unpacked.lead;
  sink_.Deliver(std::make_shared<const record::Record>(std::move(unpacked.record)),
                loop_.clock().Now() + milliseconds(std::min(lead, kLongestLead)), std::move(done));
}

// Its client's deadline is the child's business: what is kept late was answered "unknown" there.
void LiveIntake::Keep(record::Record record, const record::Done& done) {
  store::Store::Incoming incoming{.record = std::move(record),
                                  .hop = {},
                                  .child = child_,
                                  .on_kept = [done](const base::Status& kept) {
                                    done(kept ? record::Answer{} : record::NotKept(kept.error()));
                                  }};
  const base::Result<std::uint64_t> taken = store_.Append(incoming);
  if (!taken) done(record::NotKept(taken.error()));
}

void LiveIntake::OnAnswer(std::uint64_t number, const record::Answer& answer) {
  --unanswered_;
  const bool extends =
      pending_.count > 0 && number == pending_.first + pending_.count && answer == pending_.answer;
  if (extends) {
    ++pending_.count;
  } else {
    Flush();
    pending_ = {.first = number, .count = 1, .answer = answer};
  }
  hooks_.on_answer();
}

void LiveIntake::Flush() {
  if (pending_.count == 0) return;
  hooks_.tell(pending_);
  pending_.count = 0;
}

}  // namespace postern::link
