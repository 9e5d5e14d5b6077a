// LaneStream: one lane of a link as an HTTP/2 stream: frames in, frames out, and how it ends.
//
// Which frames are right on which lane, and what they do, is decided by the link (LaneUser).
//
// Threads: loop.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/base/result.h"
#include "lib/http2/session.h"
#include "sidecar/lane/frame.h"
#include "sidecar/lane/message_reader.h"
#include "sidecar/lane/output.h"

namespace postern::lane {

enum class Lane : std::uint8_t { kControl = 0, kData = 1, kLive = 2 };
inline constexpr std::array kLanes = {Lane::kControl, Lane::kData, Lane::kLive};

// "/postern.v1.Link/Control" and so on: what the dialler asks for.
std::string_view LanePath(Lane lane);

class LaneStream;

// The link that a lane belongs to.
class LaneUser {
 public:
  // The parent's side: the child opened this lane. Answer with Accept or Refuse before returning:
  // what the child says on a lane without an answer is dropped.
  virtual void OnLaneAsked(LaneStream& lane) = 0;
  // A frame came whole. A failure ends the link.
  virtual base::Status OnFrame(LaneStream& lane, Frame frame) = 0;
  // The lane has room: append what is due to its output.
  virtual void OnRoom(LaneStream& lane) = 0;
  // The lane is over; `lane` is destroyed after this call. Told: the peer's sentence if it refused.
  virtual void OnLaneOver(LaneStream& lane, const base::Error& why) = 0;

 protected:
  ~LaneUser() = default;
};

class LaneStream final : public http2::Stream {
 public:
  LaneStream(LaneUser& user, http2::Session& session);

  // Opens a lane (the dialler's side). kUnavailable where the session takes no more streams.
  static base::Result<LaneStream*> Open(LaneUser& user, http2::Session& session, Lane lane,
                                        std::string_view authority);

  Lane lane() const { return lane_; }
  Output& output() { return output_; }
  // Appends a frame to the output and wakes the lane.
  void Send(const Frame& frame);
  // There is something in the output, or OnRoom would add something.
  void Wake();
  // The parent's answer to OnLaneAsked.
  void Accept();
  // Tells the peer why, in the answer to OnLaneAsked or later, and takes no more frames.
  void Refuse(const base::Error& why);
  // Bounds the messages that are taken from now on: what the peer's credit allows.
  void SetMostMessage(std::size_t bytes) { reader_.set_max_message(bytes); }

 private:
  bool OnHeader(std::string_view name, std::string_view value) override;
  void OnHeadersEnd() override;
  void OnData(std::string_view chunk) override;
  void OnEnd() override;
  http2::Offer OnOffer(std::size_t most) override;
  void OnTake(std::size_t bytes, std::string& out) override { output_.Take(bytes, out); }
  http2::Fields Trailers() override;
  void OnClosed(http2::ErrorCode code) override;

  LaneUser& user_;
  http2::Session& session_;
  Lane lane_ = Lane::kControl;
  bool asked_ = false;  // the peer opened it
  bool accepted_ = false;
  bool known_path_ = false;
  unsigned headers_ = 0;
  MessageReader reader_;
  Output output_;
  int event_ = 0;  // of the peer's refusal
  std::string refusal_;
  std::string told_;  // of ours, encoded
  std::string told_event_;
  std::array<http2::Field, 3> trailers_;
  base::Status fault_;  // what ended the lane from our side
};

}  // namespace postern::lane
