// Answer: what a backend said of a record, on its way back to the client.
//
// Codes are gRPC's (https://grpc.github.io/grpc/core/md_doc_statuscodes.html): that is what OTLP
// clients act on, whatever the backend spoke.
//
// Threads: immutable.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

namespace postern::record {

enum class AnswerCode : std::uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kAborted = 10,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

struct Answer {
  AnswerCode code = AnswerCode::kOk;
  std::string message;  // for people; empty with kOk
  // When the client should try again; zero: not told. OTLP clients drop data that is refused with
  // kResourceExhausted unless this is told.
  std::chrono::milliseconds retry_after{0};
  // The backend's Export…ServiceResponse, protobuf: empty, or a partial success.
  base::Bytes response;

  bool ok() const { return code == AnswerCode::kOk; }
  bool operator==(const Answer&) const = default;
};

// Whether a record itself is at fault, so that no try will ever succeed: only then. An expired
// token at a backend must not become data loss.
inline bool IsFaultOfBody(const Answer& answer) {
  return answer.code == AnswerCode::kInvalidArgument;
}

// The one table from our codes to the answer's.
AnswerCode ToAnswerCode(base::Code code);
Answer ToAnswer(const base::Error& error);
// For a record that a store did not keep: with when to come again, where that may help.
Answer NotKept(const base::Error& why);

}  // namespace postern::record
