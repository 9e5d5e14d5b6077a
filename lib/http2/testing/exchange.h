// Exchange: a stream that does as it was told and keeps what it saw, for either role.
//
//   Exchange::Seen seen;    // outlives the stream, which its session destroys
//   session.Request(std::make_unique<Exchange>(seen, Exchange::Plan{.session = &session}), …);
//
// Threads: loop.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/http2/session.h"

namespace postern::http2 {

class Exchange final : public Stream {
 public:
  struct Seen {
    std::vector<std::pair<std::string, std::string>> headers;  // and trailers
    int blocks = 0;
    std::string body;
    bool ended = false;
    std::optional<ErrorCode> closed;
  };
  struct Plan {
    Session* session = nullptr;
    std::string body = {};
    bool has_body = true;
    bool waits = false;     // for Say and End, once the body is sent
    bool trailers = false;  // "grpc-status: 0" after the body
    std::size_t most_headers = 100;
  };

  Exchange(Seen& seen, Plan plan) : seen_(seen), plan_(std::move(plan)) {}

  void Say(std::string_view more) {
    plan_.body += more;
    plan_.session->ResumeBody(*this);
  }
  void End() {
    plan_.waits = false;
    plan_.session->ResumeBody(*this);
  }

 private:
  bool OnHeader(std::string_view name, std::string_view value) override {
    if (seen_.headers.size() == plan_.most_headers) return false;
    seen_.headers.emplace_back(name, value);
    if (name == ":method") asked_ = true;
    return true;
  }
  void OnHeadersEnd() override { ++seen_.blocks; }
  void OnData(std::string_view chunk) override { seen_.body += chunk; }
  // A server answers once it has heard everything.
  void OnEnd() override {
    seen_.ended = true;
    static constexpr std::array kOk = {Field{":status", "200", true}};
    if (asked_) plan_.session->Respond(*this, kOk, plan_.has_body);
  }
  Offer OnOffer(std::size_t most) override {
    const std::size_t bytes = std::min(most, plan_.body.size() - taken_);
    const bool last = taken_ + bytes == plan_.body.size();
    if (!last) return {.bytes = bytes, .then = Offer::Then::kMore};
    if (plan_.waits) return {.bytes = bytes, .then = Offer::Then::kWait};
    return {.bytes = bytes, .then = plan_.trailers ? Offer::Then::kTrailers : Offer::Then::kEnd};
  }
  void OnTake(std::size_t bytes, std::string& out) override {
    out.append(plan_.body, taken_, bytes);
    taken_ += bytes;
  }
  Fields Trailers() override {
    static constexpr std::array kStatus = {Field{"grpc-status", "0", true}};
    return kStatus;
  }
  void OnClosed(ErrorCode code) override { seen_.closed = code; }

  Seen& seen_;
  Plan plan_;
  std::size_t taken_ = 0;
  bool asked_ = false;
};

}  // namespace postern::http2
