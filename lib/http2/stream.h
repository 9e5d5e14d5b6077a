// Stream: one request and its answer inside an HTTP/2 session, seen from our side.
//
// A Session calls these as bytes arrive or room appears; the stream answers through its session.
// Nothing here touches a socket. The session owns its streams and destroys one after OnClosed.
//
// Threads: loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace postern::http2 {

using StreamId = std::int32_t;

// A header or trailer. `lasting` promises that both strings live as long as the program, so that
// they need no copy: true for literals.
struct Field {
  std::string_view name;
  std::string_view value;
  bool lasting = false;
};
using Fields = std::span<const Field>;

// RFC 9113, section 7.
enum class ErrorCode : std::uint32_t {
  kNoError = 0x0,
  kProtocolError = 0x1,
  kInternalError = 0x2,
  kRefusedStream = 0x7,
  kCancel = 0x8,
  kEnhanceYourCalm = 0xb,
};

// What a stream offers to send now.
struct Offer {
  enum class Then : std::uint8_t {
    kMore,      // more may come: the session asks again when there is room
    kWait,      // no more now: Session::ResumeBody says when. So does an offer of 0 bytes
    kEnd,       // these bytes end the body and the stream
    kTrailers,  // these bytes end the body, Trailers() follow
  };
  std::size_t bytes = 0;
  Then then = Then::kWait;
};

class Stream {
 public:
  virtual ~Stream() = default;

  StreamId id() const { return id_; }

  // One header or trailer. False refuses the stream (ENHANCE_YOUR_CALM): too many, too long.
  virtual bool OnHeader(std::string_view name, std::string_view value) = 0;
  // The header block is complete; called again after trailers.
  virtual void OnHeadersEnd() = 0;
  // The next bytes of the peer's body.
  virtual void OnData(std::string_view chunk) = 0;
  // The peer has sent everything.
  virtual void OnEnd() = 0;

  // How many bytes of our body may go now, at most `most`. Followed by OnTake of that many.
  virtual Offer OnOffer(std::size_t most) = 0;
  // Appends exactly `bytes` bytes of the body to `out`.
  virtual void OnTake(std::size_t bytes, std::string& out) = 0;
  // What follows a body that ended with kTrailers.
  virtual Fields Trailers() = 0;

  // The last call: the stream is over, for whatever reason.
  virtual void OnClosed(ErrorCode code) = 0;

 private:
  friend class Session;
  StreamId id_ = 0;
};

}  // namespace postern::http2
