// Feed: what a link takes out of the outbox, from Welcome to its end: within the parent's credit
// and limits, packed into batches, and remembered until it is answered.
//
// Knows nothing of sockets: the link brings lanes that have room and the frames that answer.
//
// Threads: loop.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sidecar/lane/batch.h"
#include "sidecar/lane/credit.h"
#include "sidecar/lane/output.h"
#include "sidecar/link/link_env.h"
#include "sidecar/link/outbox.h"

namespace postern::link {

class Feed {
 public:
  // `ask` sends a wish for credit. `parent` names the parent in what clients are told.
  Feed(LinkEnv& env, const LinkOptions& options, std::string parent, Outbox& outbox,
       const lane::Welcome& welcome, std::function<void(const lane::Credit&)> ask);

  // Sending begins, at what this parent does not keep yet.
  void Start();
  // Appends the batches that are due, until the lane has enough ready.
  void FillLive(bool compress, lane::Output& out);
  void FillData(bool compress, lane::Output& out);
  bool HasLive() const { return !outbox_.live.empty(); }
  bool HasData() const { return outbox_.stored.Next() != nullptr; }

  void Grant(std::uint64_t total) { credit_.Grant(total); }
  // kInvalid where the parent answers what was never sent.
  base::Status OnLiveAck(const lane::LiveAck& ack);
  base::Status OnAck(const lane::Ack& ack);
  // Answers what is past its deadline.
  void Expire(base::Instant now) { flight_.Expire(now); }
  // What was not answered goes back to the outbox, for the next link. The last call.
  void PutBack();

  // Whether nothing that was sent waits for an answer over this very link.
  bool idle() const { return flight_.unanswered() == 0; }
  base::Instant last_batch() const { return last_batch_; }
  // Plain bytes sent so far.
  std::uint64_t sent() const { return sent_; }
  // After a pause: what to give back of the credit.
  std::optional<lane::Credit> ReturnCredit() { return credit_.Return(); }

 private:
  void AskForCredit(std::uint64_t pending, std::uint64_t next);
  std::string WhyNever(const record::Record& record) const;
  void RejectLive(std::string why);
  void RejectStored(const record::Record& record, const std::string& why);
  void Finish(lane::BatchPacker& packer, std::uint64_t session, bool compress, lane::Output& out);

  LinkEnv& env_;
  const std::string parent_;
  Outbox& outbox_;
  const std::function<void(const lane::Credit&)> ask_;
  const std::uint64_t session_;
  const std::uint64_t mark_;        // what the parent keeps of our store
  const record::StoreId keeper_;    // the parent's store
  const std::uint64_t max_record_;  // the parent's
  lane::CreditSpender credit_;
  lane::BatchPacker live_packer_;
  lane::BatchPacker data_packer_;
  LiveFlight flight_;
  std::uint64_t data_sent_through_ = 0;
  std::uint64_t sent_ = 0;
  base::Instant last_batch_;
};

}  // namespace postern::link
