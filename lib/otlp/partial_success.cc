#include "lib/otlp/partial_success.h"

#include "lib/otlp/internal/wire_reader.h"
#include "lib/otlp/otlp.pb.h"

namespace postern::otlp {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using internal::WireField;
using internal::WireReader;
using internal::WireType;

// Reads by hand: protobuf would refuse the whole answer for a message that is no UTF-8.
bool ReadPartial(std::string_view message, PartialSuccess& partial) {
  WireReader reader(message);
  for (WireField field; reader.Next(field);) {
    if (field.number == wire::PartialSuccess::kRejectedFieldNumber &&
        field.type == WireType::kVarint) {
      partial.rejected = static_cast<std::int64_t>(field.value);
    }
    if (field.number == wire::PartialSuccess::kErrorMessageFieldNumber &&
        field.type == WireType::kBytes) {
      partial.message = field.bytes;
    }
  }
  return reader.ok();
}

}  // namespace

Result<PartialSuccess> ParseResponse(std::string_view protobuf) {
  PartialSuccess partial;
  WireReader reader(protobuf);
  bool whole = true;
  for (WireField field; whole && reader.Next(field);) {
    if (field.number == wire::ExportResponse::kPartialSuccessFieldNumber &&
        field.type == WireType::kBytes) {
      whole = ReadPartial(field.bytes, partial);
    }
  }
  if (whole && reader.ok()) return partial;
  return Fail(Code::kInvalid, "decoding an answer to an export, " +
                                  std::to_string(protobuf.size()) + " bytes: no protobuf");
}

std::string SerializeResponse(const PartialSuccess& partial) {
  wire::ExportResponse response;
  if (partial != PartialSuccess()) {
    response.mutable_partial_success()->set_rejected(partial.rejected);
    response.mutable_partial_success()->set_error_message(partial.message);
  }
  return response.SerializeAsString();
}

}  // namespace postern::otlp
