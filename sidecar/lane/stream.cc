#include "sidecar/lane/stream.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

#include "lib/http2/grpc_framing.h"

namespace postern::lane {

using base::Code;
using base::Error;
using base::Fail;
using base::Result;

namespace {

constexpr std::array<std::string_view, 3> kPaths = {
    "/postern.v1.Link/Control", "/postern.v1.Link/Data", "/postern.v1.Link/Live"};
constexpr unsigned kMostHeaders = 32;
constexpr std::size_t kMostHeaderText = 2048;
constexpr std::size_t kMostRefusal = 640;  // three times that, encoded, passes as one header
// Hello and Welcome with their paths; batches are bounded by credit.
constexpr std::size_t kControlMessage = 16 * 1024;
constexpr std::string_view kEventHeader = "postern-event";

// For our log: anything but printable ASCII is dropped, so a peer cannot forge lines.
std::string Printable(std::string_view text) {
  std::string printable(text.substr(0, kMostHeaderText));
  std::replace_if(
      printable.begin(), printable.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; },
      '?');
  return printable;
}

}  // namespace

std::string_view LanePath(Lane lane) { return kPaths[static_cast<std::size_t>(lane)]; }

LaneStream::LaneStream(LaneUser& user, http2::Session& session)
    : user_(user), session_(session), asked_(true), reader_(kControlMessage) {}

Result<LaneStream*> LaneStream::Open(LaneUser& user, http2::Session& session, Lane lane,
                                     std::string_view authority) {
  auto stream = std::make_unique<LaneStream>(user, session);
  LaneStream* opened = stream.get();
  opened->lane_ = lane;
  opened->asked_ = false;
  opened->accepted_ = true;
  const std::array headers = {
      http2::Field{":method", "POST", true},
      http2::Field{":scheme", "https", true},
      http2::Field{":authority", authority, false},
      http2::Field{":path", LanePath(lane), true},
      http2::Field{"content-type", "application/grpc", true},
      http2::Field{"te", "trailers", true},
  };
  RETURN_IF_ERROR(session.Request(std::move(stream), headers, true));
  return opened;
}

void LaneStream::Send(const Frame& frame) {
  AppendFrame(frame, output_.text());
  Wake();
}

void LaneStream::Wake() {
  if (accepted_) session_.ResumeBody(*this);
}

void LaneStream::Accept() {
  accepted_ = true;
  constexpr std::array kHeaders = {http2::Field{":status", "200", true},
                                   http2::Field{"content-type", "application/grpc", true}};
  session_.Respond(*this, kHeaders, true);
}

void LaneStream::Refuse(const Error& why) {
  fault_ = why;
  told_ = http2::PercentEncode(std::string_view(why.message()).substr(0, kMostRefusal));
  told_event_ = std::to_string(why.event());
  trailers_ = {http2::Field{"grpc-status", "7", true}, http2::Field{"grpc-message", told_, false},
               http2::Field{kEventHeader, told_event_, false}};
  if (accepted_) return session_.ResumeBody(*this);  // OnOffer ends the body with them
  const std::array headers = {http2::Field{":status", "200", true},
                              http2::Field{"content-type", "application/grpc", true}, trailers_[0],
                              trailers_[1], trailers_[2]};
  session_.Respond(*this, headers, false);
}

http2::Fields LaneStream::Trailers() { return trailers_; }

bool LaneStream::OnHeader(std::string_view name, std::string_view value) {
  if (++headers_ > kMostHeaders || name.size() + value.size() > kMostHeaderText) return false;
  if (asked_ && name == ":path") {
    const auto* path = std::find(kPaths.begin(), kPaths.end(), value);
    known_path_ = path != kPaths.end();
    if (known_path_) lane_ = static_cast<Lane>(path - kPaths.begin());
  }
  if (!asked_ && name == "grpc-message") refusal_ = Printable(http2::PercentDecode(value));
  if (!asked_ && name == kEventHeader) {
    std::from_chars(value.data(), value.data() + value.size(), event_);
  }
  return true;
}

void LaneStream::OnHeadersEnd() {
  if (!asked_ || accepted_ || !fault_) return;  // trailers mean nothing
  if (known_path_) return user_.OnLaneAsked(*this);
  Refuse(Fail(Code::kNotFound, "no such lane"));
}

void LaneStream::OnData(std::string_view chunk) {
  if (!fault_ || !accepted_) return;
  fault_ = reader_.Take(chunk, [this](const base::Bytes& message) -> base::Status {
    ASSIGN_OR_RETURN(Frame frame, ParseFrame(message));
    return user_.OnFrame(*this, std::move(frame));
  });
  if (!fault_) session_.Reset(*this, http2::ErrorCode::kProtocolError);
}

void LaneStream::OnEnd() {
  // What we refused ends with our answer. Any other lane is of no use once the peer has ended it,
  // and ours stays open until we say so: OnClosed follows.
  if (asked_ && !accepted_) return;
  session_.Reset(*this, http2::ErrorCode::kNoError);
}

http2::Offer LaneStream::OnOffer(std::size_t most) {
  if (!told_event_.empty()) return {.bytes = 0, .then = http2::Offer::Then::kTrailers};
  if (output_.size() < most) user_.OnRoom(*this);
  const std::size_t bytes = std::min(most, output_.size());
  return {.bytes = bytes,
          .then = bytes == 0 ? http2::Offer::Then::kWait : http2::Offer::Then::kMore};
}

void LaneStream::OnClosed(http2::ErrorCode code) {
  Error why = Fail(Code::kUnavailable, "lane closed by the peer");
  if (!fault_) {
    why = fault_.error();
  } else if (!refusal_.empty()) {
    why = Fail(Code::kDenied, "the peer refused: " + refusal_).As(event_);
  } else if (code != http2::ErrorCode::kNoError) {
    why = Fail(Code::kUnavailable, "lane reset by the peer, HTTP/2 error " +
                                       std::to_string(static_cast<unsigned>(code)));
  }
  user_.OnLaneOver(*this, why);
}

}  // namespace postern::lane
