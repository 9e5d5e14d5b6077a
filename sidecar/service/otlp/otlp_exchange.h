// OtlpExchange: one export over OTLP/gRPC, from its first header to the client's answer.
//
//   headers → prefix ─┬─ memory at once ─────→ body → [inflate] → relay → answered
//                     └─ waits in line ──┘             └ waits in line
//
// Until its memory is granted a stream may send one small window; then the window is opened for all
// of its body. Other streams of the connection go on meanwhile.
//
// Threads: loop.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/http2/grpc_framing.h"
#include "lib/http2/transport.h"
#include "sidecar/record/memory_budget.h"
#include "sidecar/service/otlp/otlp_door.h"
#include "sidecar/service/otlp/request_headers.h"

namespace postern::service {

class OtlpExchange final : public http2::Stream, private record::MemoryBudget::Waiter {
 public:
  OtlpExchange(OtlpDoor& door, http2::Transport& transport);
  ~OtlpExchange() override;

  // Called each second while it is in the door's waiting set: refuses what waits too long, and ends
  // what was refused.
  void Check(base::Instant now);

 private:
  enum class State : std::uint8_t {
    kHeaders,
    kPrefix,     // the five bytes before a gRPC message
    kAwaitBody,  // memory for the body is asked for
    kBody,
    kAwaitInflated,  // memory for what gzip will give is asked for
    kComplete,       // the body is there; the client has not ended its side yet
    kDelivered,      // with the relay
    kAnswered,
  };
  // Lets a late answer find out that its client is gone.
  struct Ticket {
    OtlpExchange* exchange;
  };

  bool OnHeader(std::string_view name, std::string_view value) override;
  void OnHeadersEnd() override;
  void OnData(std::string_view chunk) override;
  void OnEnd() override;
  http2::Offer OnOffer(std::size_t most) override;
  void OnTake(std::size_t bytes, std::string& out) override;
  http2::Fields Trailers() override;
  void OnClosed(http2::ErrorCode code) override;
  void OnGranted() override;

  void TakePrefix(std::string_view& chunk);
  void TakeEarly(std::string_view chunk);
  void Ask(std::uint64_t bytes, State meanwhile);
  void Proceed();
  void Inflate();
  void Deliver();
  void Answer(const record::Answer& answer);
  void Refuse(record::AnswerCode code, std::string message,
              std::chrono::milliseconds retry_after = std::chrono::milliseconds(0));
  void OpenWindow();
  void RefuseCut();
  void StopClient();
  void List();
  void Unlist();
  void DropEarly();
  void GiveBack();

  OtlpDoor& door_;
  http2::Transport& transport_;
  State state_ = State::kHeaders;
  RequestHeaders headers_;
  http2::MessagePrefix prefix_;
  bool compressed_ = false;
  bool ended_ = false;    // the client's side
  bool in_line_ = false;  // for memory
  bool listed_ = false;   // in the door's waiting set
  std::size_t inflate_bound_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t held_ = 0;  // of the budget
  std::string early_;       // bytes of the body that came before its memory; in the budget too
  std::optional<base::BytesBuilder> body_;
  base::Bytes message_;
  base::Instant since_;
  base::Instant in_line_since_;
  std::shared_ptr<Ticket> ticket_;
  std::string response_;
  std::size_t response_sent_ = 0;
};

}  // namespace postern::service
