#include "sidecar/record/answer.h"

namespace postern::record {

using base::Code;

namespace {

constexpr std::chrono::milliseconds kRetryFull{1000};
constexpr std::chrono::milliseconds kRetryFailed{5000};

}  // namespace

AnswerCode ToAnswerCode(Code code) {
  switch (code) {
    case Code::kInvalid: return AnswerCode::kInvalidArgument;
    case Code::kNotFound: return AnswerCode::kNotFound;
    case Code::kConflict: return AnswerCode::kAborted;
    case Code::kDenied: return AnswerCode::kPermissionDenied;
    case Code::kExpired: return AnswerCode::kUnauthenticated;
    case Code::kUnavailable: return AnswerCode::kUnavailable;
    case Code::kTimeout: return AnswerCode::kDeadlineExceeded;
    case Code::kExhausted: return AnswerCode::kResourceExhausted;
    case Code::kCorrupt: return AnswerCode::kDataLoss;
    case Code::kCancelled: return AnswerCode::kCancelled;
    case Code::kInternal: return AnswerCode::kInternal;
  }
  return AnswerCode::kUnknown;
}

Answer ToAnswer(const base::Error& error) {
  return {.code = ToAnswerCode(error.code()), .message = error.message(), .response = {}};
}

Answer NotKept(const base::Error& why) {
  Answer answer = ToAnswer(why);
  if (answer.code == AnswerCode::kResourceExhausted) answer.retry_after = kRetryFull;
  if (answer.code == AnswerCode::kUnavailable) answer.retry_after = kRetryFailed;
  return answer;
}

}  // namespace postern::record
