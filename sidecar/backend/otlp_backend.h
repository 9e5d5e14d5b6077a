// OtlpBackend: delivers to an OTLP endpoint over gRPC, one request for each record.
//
//   ASSIGN_OR_RETURN(auto collector, OtlpBackend::Open({.name = "collector"},
//                    {.channel = {.endpoint = "https://collector:4317"}}, env));
//
// The body goes out as it came, with the record's metadata; one that another store may have sent
// too carries `postern-repeat: possible`. The answer is the endpoint's (otlp_answer.h).
//
// Threads: loop.
#pragma once

#include <list>
#include <memory>

#include "lib/base/result.h"
#include "lib/rpc/unary_channel.h"
#include "sidecar/backend/backend.h"

namespace postern::backend {

class OtlpBackend final : public Backend {
 public:
  struct Options {
    rpc::UnaryChannel::Options channel;
    // A record is a request until its own answer came, so this bounds records a round trip.
    std::size_t in_flight = 64;
    // Records that wait for their turn; a large one gets in where nobody else waits.
    std::size_t waiting_bytes = std::size_t{64} << 20;
  };

  // kInvalid: the endpoint or the roots are not well formed. Whether anybody answers there is found
  // by the records.
  static base::Result<std::unique_ptr<OtlpBackend>> Open(About about, const Options& options,
                                                         const BackendEnv& env);
  ~OtlpBackend() override;

  // A record that has to wait longer than its deadline, or finds no room in the line, is answered
  // with kUnavailable and was not sent.
  void Deliver(record::RecordPtr record, base::Instant deadline, record::Done done) override;

 private:
  struct Delivery {
    record::RecordPtr record;
    base::Instant deadline;
    record::Done done;
  };
  OtlpBackend(About about, const Options& options, std::unique_ptr<rpc::UnaryChannel> channel,
              const BackendEnv& env);
  void Wait(Delivery delivery);
  void OnSweep();
  Delivery TakeFromLine(std::list<Delivery>::iterator place);
  void Send(Delivery delivery);
  void OnResult(const Delivery& delivery, rpc::UnaryResult result);

  const std::size_t most_in_flight_;
  const std::size_t most_waiting_bytes_;
  std::size_t in_flight_ = 0;
  std::list<Delivery> waiting_;
  std::size_t waiting_bytes_ = 0;
  base::Timer sweep_;  // runs while somebody waits
  // Results that are posted but not run when the backend goes find this gone.
  std::shared_ptr<OtlpBackend*> self_;
  std::unique_ptr<rpc::UnaryChannel> channel_;
};

}  // namespace postern::backend
