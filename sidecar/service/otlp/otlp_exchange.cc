#include "sidecar/service/otlp/otlp_exchange.h"

#include <algorithm>
#include <utility>

#include "sidecar/service/otlp/status_details.h"

namespace postern::service {

using base::Code;
using record::AnswerCode;

namespace {

constexpr std::chrono::milliseconds kRetryAfter = std::chrono::seconds(1);
constexpr std::array kOkHeaders = {http2::Field{":status", "200", true},
                                   http2::Field{"content-type", "application/grpc", true}};
// What a client of another compression needs to know
// (https://github.com/grpc/grpc/blob/master/doc/compression.md).
constexpr http2::Field kAcceptEncoding{"grpc-accept-encoding", "identity,gzip", true};
constexpr std::array kOkTrailers = {http2::Field{"grpc-status", "0", true}};

}  // namespace

OtlpExchange::OtlpExchange(OtlpDoor& door, http2::Transport& transport)
    : door_(door), transport_(transport), ticket_(std::make_shared<Ticket>(Ticket{this})) {}

OtlpExchange::~OtlpExchange() { GiveBack(); }

bool OtlpExchange::OnHeader(std::string_view name, std::string_view value) {
  return state_ != State::kHeaders || headers_.Take(name, value);
}

void OtlpExchange::OnHeadersEnd() {
  if (state_ != State::kHeaders) return;  // trailers of a request mean nothing
  since_ = door_.inside_.loop.clock().Now();
  if (const std::optional<record::Answer> fault = headers_.Fault()) {
    return Refuse(fault->code, fault->message);
  }
  if (door_.inside_.relay.draining()) {
    return Refuse(AnswerCode::kUnavailable, "this relay drains; send to another one", kRetryAfter);
  }
  state_ = State::kPrefix;
  List();  // whatever the client does next is bounded in time
}

// === the body ===

void OtlpExchange::OnData(std::string_view chunk) {
  if (state_ == State::kPrefix) TakePrefix(chunk);
  if (state_ == State::kAwaitBody) {
    TakeEarly(chunk);
  } else if (state_ == State::kBody) {
    chunk.remove_prefix(body_->Append(chunk));
    if (body_->missing() == 0) Proceed();
    if (!chunk.empty()) Refuse(AnswerCode::kInvalidArgument, "an export is one message; more came");
  } else if (!chunk.empty()) {
    Refuse(AnswerCode::kInvalidArgument, "an export is one message; more came");
  }
}

void OtlpExchange::TakePrefix(std::string_view& chunk) {
  if (!prefix_.Take(chunk)) return;
  compressed_ = prefix_.flag() == 1;
  const std::size_t size = prefix_.size();
  if (prefix_.flag() > 1 || (compressed_ && !headers_.gzip())) {
    return Refuse(AnswerCode::kInvalidArgument,
                  "the message is flagged as compressed, but grpc-encoding is not gzip");
  }
  if (size > door_.options_.max_record) {
    return Refuse(AnswerCode::kInvalidArgument,
                  "an export of " + std::to_string(size) + " bytes; at most " +
                      std::to_string(door_.options_.max_record) +
                      " (relay.maxRecord) are taken: send smaller batches");
  }
  Ask(size, State::kAwaitBody);
}

// Takes the bytes from the budget now, or waits in line for them.
void OtlpExchange::Ask(std::uint64_t bytes, State meanwhile) {
  asked_ = bytes;
  state_ = meanwhile;
  if (door_.inside_.budget.TryTake(bytes)) {
    held_ += bytes;
    return Proceed();
  }
  in_line_ = true;
  in_line_since_ = door_.inside_.loop.clock().Now();
  door_.inside_.budget.Wait(bytes, *this);
}

// Keeps what came before its memory was granted: at most one window of the stream. All streams
// together may hold half of the budget this way; the other half is what the line moves on with.
void OtlpExchange::TakeEarly(std::string_view chunk) {
  if ((door_.early_ + chunk.size()) * 2 > door_.inside_.budget.total()) {
    return Refuse(AnswerCode::kResourceExhausted,
                  "no memory for this export: relay.memory is in use", kRetryAfter);
  }
  door_.early_ += chunk.size();
  door_.inside_.budget.Force(chunk.size());
  early_.append(chunk);
}

void OtlpExchange::OnGranted() {
  in_line_ = false;
  held_ += asked_;
  Proceed();
  transport_.Flush();
}

// The memory that was asked for is there, or the body is. Stays listed until the body is whole.
void OtlpExchange::Proceed() {
  if (state_ == State::kAwaitBody) {
    state_ = State::kBody;
    body_.emplace(static_cast<std::size_t>(asked_));
    body_->Append(early_);
    DropEarly();
    OpenWindow();
    if (body_->missing() > 0) return ended_ ? RefuseCut() : void();
  }
  if (state_ == State::kBody) {
    message_ = std::move(*body_).Finish();
    body_.reset();
    if (!compressed_) {
      state_ = State::kComplete;
    } else {
      // A byte at least: gzip of nothing is something.
      inflate_bound_ = std::max<std::size_t>(
          1, compress::ClaimedSize(message_.view(), door_.options_.max_record));
      return Ask(inflate_bound_, State::kAwaitInflated);
    }
  }
  if (state_ == State::kAwaitInflated) Inflate();
  if (state_ == State::kComplete && ended_) Deliver();
}

// The whole message may come now, and nothing beyond it.
void OtlpExchange::OpenWindow() {
  const std::size_t message = body_->size() + http2::MessagePrefix::kBytes;
  if (message <= OtlpDoor::kFirstWindow) return;
  transport_.session().Widen(*this, static_cast<std::int32_t>(message - OtlpDoor::kFirstWindow));
}

void OtlpExchange::Inflate() {
  base::Result<base::Bytes> plain = door_.gunzipper_.Gunzip(message_.view(), inflate_bound_);
  const bool claimed_too_little = !plain && plain.error().code() == Code::kExhausted &&
                                  inflate_bound_ < door_.options_.max_record;
  if (claimed_too_little) {
    const std::size_t more = door_.options_.max_record - inflate_bound_;
    inflate_bound_ = door_.options_.max_record;
    return Ask(more, State::kAwaitInflated);
  }
  if (!plain) {
    return Refuse(AnswerCode::kInvalidArgument, "gzip body: " + plain.error().message());
  }
  message_ = *std::move(plain);
  const std::uint64_t surplus = held_ - std::min<std::uint64_t>(held_, message_.size());
  held_ -= surplus;
  door_.inside_.budget.Give(surplus);
  state_ = State::kComplete;
}

void OtlpExchange::OnEnd() {
  ended_ = true;
  if (state_ == State::kComplete) return Deliver();
  const bool cut = state_ == State::kPrefix || state_ == State::kBody;
  if (cut) RefuseCut();
}

void OtlpExchange::RefuseCut() {
  Refuse(AnswerCode::kInvalidArgument, "the request ended in the middle of its message");
}

void OtlpExchange::Deliver() {
  state_ = State::kDelivered;
  Unlist();
  door_.inside_.relay.Accept({.signal = headers_.signal(),
                              .metadata = headers_.TakeMetadata(),
                              .body = std::move(message_),
                              .held = std::exchange(held_, 0),
                              .deadline = since_ + headers_.timeout()},
                             [ticket = ticket_](const record::Answer& answer) {
                               if (ticket->exchange != nullptr) ticket->exchange->Answer(answer);
                             });
}

// === the answer ===

void OtlpExchange::Refuse(AnswerCode code, std::string message,
                          std::chrono::milliseconds retry_after) {
  if (state_ == State::kAnswered) return;
  door_.inside_.relay.NoteRefused();
  Answer({.code = code, .message = std::move(message), .retry_after = retry_after, .response = {}});
}

void OtlpExchange::Answer(const record::Answer& answer) {
  if (state_ == State::kAnswered) return;
  state_ = State::kAnswered;
  GiveBack();
  http2::Session& session = transport_.session();
  if (answer.ok()) {
    const std::size_t size = answer.response.size();
    response_.assign({'\0', static_cast<char>(size >> 24U), static_cast<char>(size >> 16U),
                      static_cast<char>(size >> 8U), static_cast<char>(size)});
    response_.append(answer.response.view());
    session.Respond(*this, kOkHeaders, true);
    return transport_.Flush();
  }
  const std::string status = std::to_string(static_cast<unsigned>(answer.code));
  const std::string message = http2::PercentEncode(answer.message);
  const bool told = answer.retry_after.count() > 0;
  const std::string details = told ? RetryDetails(answer) : std::string();
  const std::array headers = {http2::Field{":status", "200", true},
                              http2::Field{"content-type", "application/grpc", true},
                              kAcceptEncoding,
                              http2::Field{"grpc-status", status, false},
                              http2::Field{"grpc-message", message, false},
                              http2::Field{"grpc-status-details-bin", details, false}};
  session.Respond(*this, http2::Fields(headers).first(told ? 6 : 5), false);
  transport_.Flush();
  if (!ended_) StopClient();
}

// A client that is still sending has no reason to go on (RFC 9113, section 8.1). Told once the
// answer is out, for a reset overtakes what is not sent yet.
void OtlpExchange::StopClient() {
  door_.inside_.loop.Defer([ticket = std::weak_ptr<Ticket>(ticket_)] {
    const std::shared_ptr<Ticket> kept = ticket.lock();
    if (kept == nullptr || kept->exchange == nullptr) return;
    OtlpExchange& self = *kept->exchange;
    if (self.ended_) return;
    if (self.transport_.session().WantsToSend()) return self.List();  // Check tries again
    self.transport_.session().Reset(self, http2::ErrorCode::kNoError);
    self.transport_.Flush();
  });
}

http2::Offer OtlpExchange::OnOffer(std::size_t most) {
  const std::size_t left = response_.size() - response_sent_;
  if (left > most) return {.bytes = most, .then = http2::Offer::Then::kMore};
  return {.bytes = left, .then = http2::Offer::Then::kTrailers};
}

void OtlpExchange::OnTake(std::size_t bytes, std::string& out) {
  out.append(response_, response_sent_, bytes);
  response_sent_ += bytes;
}

http2::Fields OtlpExchange::Trailers() { return kOkTrailers; }

void OtlpExchange::Check(base::Instant now) {
  if (state_ == State::kAnswered) {
    Unlist();
    return StopClient();
  }
  const base::Duration bound = in_line_ ? door_.options_.memory_wait : door_.options_.body_bound;
  if (now - (in_line_ ? in_line_since_ : since_) < bound) return;
  if (in_line_) {
    Refuse(AnswerCode::kResourceExhausted,
           "no memory for this export in time: relay.memory is in use", kRetryAfter);
  } else {
    Refuse(AnswerCode::kDeadlineExceeded, "the rest of the export did not come in time");
  }
}

void OtlpExchange::List() {
  if (!std::exchange(listed_, true)) door_.waiting_.insert(this);
}

void OtlpExchange::Unlist() {
  if (std::exchange(listed_, false)) door_.waiting_.erase(this);
}

void OtlpExchange::DropEarly() {
  const std::uint64_t bytes = early_.size();
  early_ = {};
  if (bytes == 0) return;
  door_.early_ -= bytes;
  door_.inside_.budget.Give(bytes);
}

void OtlpExchange::GiveBack() {
  Unlist();
  if (std::exchange(in_line_, false)) door_.inside_.budget.StopWaiting(*this);
  DropEarly();
  body_.reset();
  message_ = {};
  if (held_ > 0) door_.inside_.budget.Give(std::exchange(held_, 0));
}

void OtlpExchange::OnClosed(http2::ErrorCode /*code*/) {
  state_ = State::kAnswered;
  GiveBack();
  ticket_->exchange = nullptr;
}

}  // namespace postern::service
