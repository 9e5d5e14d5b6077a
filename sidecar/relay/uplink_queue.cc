#include "sidecar/relay/uplink_queue.h"

#include <algorithm>

#include "lib/base/crc32c.h"
#include "lib/base/kill_point.h"

namespace postern::relay {

using base::Code;
using base::Fail;
using base::Status;

namespace {

constexpr const char* kCursor = "uplink";
// No link has more than this on its way: docs/link-protocol.md.
constexpr std::uint64_t kMostWindow = std::uint64_t{32} << 20;
// Records that are not sent, in a turn.
constexpr int kMostPassed = 4096;

}  // namespace

base::Result<std::unique_ptr<UplinkQueue>> UplinkQueue::Make(store::Store& store,
                                                             store::DeadLetters& letters) {
  ASSIGN_OR_RETURN(auto reader, store::Reader::Make(store, kCursor));
  return std::unique_ptr<UplinkQueue>(new UplinkQueue(store, letters, std::move(reader)));
}

UplinkQueue::UplinkQueue(store::Store& store, store::DeadLetters& letters,
                         std::unique_ptr<store::Reader> reader)
    : store_(store),
      letters_(letters),
      reader_(std::move(reader)),
      // The cursor may stand above what is left of a damaged log: the parent has it, and says so.
      sent_through_(std::max(store.synced_through(), reader_->floor())),
      unknown_bytes_(kMostWindow) {
  reader_->OnReady([this] {
    if (Next() != nullptr) TellReady();
  });
}

record::RecordPtr UplinkQueue::Next() {
  for (int passed = 0; passed < kMostPassed; ++passed) {
    const store::Kept* next = reader_->Peek();
    if (next == nullptr) return nullptr;
    if (reader_->IsDone(next->sequence)) {
      reader_->Next();
      continue;
    }
    const bool rejected = letter_ && letter_->sequence == next->sequence;
    const std::optional<store::Reason> why = WhyDropped(*next);
    if (why && DropNext(*why)) continue;
    // What is rejected holds up what follows until it has left, which the store's tick tries again.
    return rejected ? nullptr : next->record;
  }
  reader_->TellSoon();
  return nullptr;
}

std::optional<store::Reason> UplinkQueue::WhyDropped(const store::Kept& next) const {
  if (!letter_ || letter_->sequence != next.sequence) return reader_->WhyDropped(next);
  return letter_->kept ? std::optional(store::Reason::kRejected) : std::nullopt;
}

// False where the store cannot take that now: it is still the next one.
bool UplinkQueue::DropNext(store::Reason why) {
  const store::Kept& next = *reader_->Peek();
  const std::uint64_t after = std::max(reader_->position(), reader_->floor());
  if (!reader_->Drop(after, next.sequence, {.reason = why, .bytes = next.record->body.size()})) {
    return false;
  }
  reader_->Next();
  return true;
}

void UplinkQueue::Advance() {
  const std::uint64_t sequence = next_sequence();
  const std::uint64_t size = reader_->Peek()->record->body.size();
  const std::uint64_t after = reader_->position();
  reader_->Next();
  if (sequence <= repeat_through_) {
    // The ledger makes one entry of what follows each other.
    reader_->Note(after, sequence, {.reason = store::Reason::kResent, .bytes = size});
  }
  if (sequence > sent_through_) {
    sent_through_ = sequence;
    unknown_bytes_ = 0;
    return;
  }
  if (unknown_bytes_ == 0) return;
  unknown_bytes_ -= std::min(unknown_bytes_, size);
  if (unknown_bytes_ > 0) return;
  sent_through_ = sequence;  // the window before the restart reached no further
  repeat_through_ = std::min(repeat_through_, sequence);
}

// In order, so one at a time; and whatever link asks meanwhile, it is not judged again.
void UplinkQueue::Reject(const std::string& why) {
  const store::Kept& next = *reader_->Peek();
  letter_ = Letter{.sequence = next.sequence};
  letters_.Keep(next.record, kCursor, why,
                [this, sequence = next.sequence,
                 alive = std::weak_ptr<bool>(alive_)](const Status& /*too large, or kept*/) {
                  if (alive.expired() || letter_->sequence != sequence) return;
                  letter_->kept = true;
                  if (Next() != nullptr) TellReady();
                });
}

Status UplinkQueue::CheckMark(const link::ParentMark& mark) {
  if (mark.sequence <= store_.last_sequence() && !LacksRecordOf(mark)) return {};
  RETURN_IF_ERROR(store_.TakeNewStore());
  return Fail(Code::kConflict,
              "the parent keeps record " + std::to_string(mark.sequence) +
                  " of this store, which never had it: the queue's folder is an older copy; it "
                  "goes on as a new store, and some records may arrive twice");
}

// Whether we should still have that record, and have none or another one. Where it was damaged the
// new id costs repeats; taken for ours it could cost what a copy accepted below its number.
bool UplinkQueue::LacksRecordOf(const link::ParentMark& mark) const {
  if (mark.sequence <= reader_->floor()) return false;
  // A reader of its own: a link may be using ours.
  const auto probe = store::Reader::Make(store_, kCursor);
  if (!probe) return false;
  (*probe)->SeekAfter(mark.sequence - 1);
  const store::Kept* ours = (*probe)->Peek();
  return ours == nullptr || ours->sequence != mark.sequence ||
         base::Crc32c(ours->record->body.view()) != mark.crc;
}

void UplinkQueue::StartAfter(std::uint64_t mark, const record::StoreId& keeper) {
  reader_->SeekAfter(std::max(reader_->floor(), mark));
  if (keeper != keeper_) repeat_through_ = sent_through_;
  keeper_ = keeper;
}

void UplinkQueue::GoBack() { reader_->SeekAfter(reader_->floor()); }

bool UplinkQueue::Acknowledge(std::uint64_t through) {
  if (through > sent_through_) return false;
  KILL_POINT("child.ack-cursor");
  if (through > reader_->floor()) (void)reader_->Done(reader_->floor(), through);
  if (through > reader_->position()) reader_->SeekAfter(through);
  return true;
}

}  // namespace postern::relay
