#include "sidecar/service/otlp/status_details.h"

#include <cstdint>

#include "sidecar/record/wire.h"

namespace postern::service {

using record::Writer;

namespace {

// Protobuf's wire format: a key is the field's number and its type, 0 a varint, 2 length-delimited.
void PutVarint(Writer& out, unsigned field, std::uint64_t value) {
  out.Number(field << 3U);
  out.Number(value);
}

void PutBytes(Writer& out, unsigned field, std::string_view bytes) {
  out.Number(field << 3U | 2U);
  out.Text(bytes);
}

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<std::uint8_t>(c);
    held += 8;
    while (held >= 6) {
      held -= 6;
      text += kAlphabet[bits >> held & 0x3fU];
    }
  }
  if (held > 0) text += kAlphabet[bits << (6 - held) & 0x3fU];
  return text;
}

}  // namespace

std::string RetryDetails(const record::Answer& answer) {
  const auto wait = static_cast<std::uint64_t>(answer.retry_after.count());
  std::string duration;  // google.protobuf.Duration: 1 seconds, 2 nanos
  Writer duration_out(duration);
  if (wait >= 1000) PutVarint(duration_out, 1, wait / 1000);
  if (wait % 1000 != 0) PutVarint(duration_out, 2, wait % 1000 * 1'000'000);
  std::string info;  // google.rpc.RetryInfo: 1 retry_delay
  Writer info_out(info);
  PutBytes(info_out, 1, duration);
  std::string any;  // google.protobuf.Any: 1 type_url, 2 value
  Writer any_out(any);
  PutBytes(any_out, 1, "type.googleapis.com/google.rpc.RetryInfo");
  PutBytes(any_out, 2, info);
  std::string status;  // google.rpc.Status: 1 code, 2 message, 3 details
  Writer status_out(status);
  PutVarint(status_out, 1, static_cast<std::uint64_t>(answer.code));
  PutBytes(status_out, 2, answer.message);
  PutBytes(status_out, 3, any);
  return Base64(status);
}

}  // namespace postern::service
