// bench_payload: writes one OTLP log export as the body of a gRPC request, for load generators that
// send a file over and over.
//
//   bench_payload 100 > 100.bin      100 log records: 19,814 bytes and 5 of gRPC's header
//
// The records are small and alike, as an access log's are: 332 bytes for one with its resource, 198
// for each more.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <random>
#include <string>

#include "lib/otlp/from_json.h"

namespace {

constexpr const char* kResource =
    R"({"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}},)"
    R"({"key":"k8s.pod.name","value":{"stringValue":"checkout-6c54-nmqrt"}},)"
    R"({"key":"k8s.namespace.name","value":{"stringValue":"shop"}},)"
    R"({"key":"host.name","value":{"stringValue":"node-17"}}]})";

std::string Attribute(const char* key, const std::string& value) {
  return std::string(R"({"key":")") + key + R"(","value":{"stringValue":")" + value + R"("}})";
}

std::string Hex(std::mt19937_64& random, std::size_t digits) {
  std::string text(digits, '0');
  for (char& c : text) c = "0123456789abcdef"[random() % 16];
  return text;
}

std::string LogRecord(std::size_t n, std::mt19937_64& random) {
  constexpr std::uint64_t kStart = 1'709'164'800'000'000'000;
  return R"({"timeUnixNano":")" + std::to_string(kStart + n * 1'000'003) +
         R"(","severityNumber":9,"severityText":"INFO","body":{"stringValue":"order )" +
         std::to_string(n) + " accepted for customer " + Hex(random, 8) + " in " +
         std::to_string(random() % 1000) + R"( ms"},"attributes":[)" +
         Attribute("http.method", "POST") + "," + Attribute("http.route", "/api/orders") + "," +
         Attribute("http.status_code", "200") + "," + Attribute("trace", Hex(random, 32)) + "]}";
}

std::string LogExport(std::size_t records) {
  std::mt19937_64 random(1);
  std::string json = std::string(R"({"resourceLogs":[{"resource":)") + kResource +
                     R"(,"scopeLogs":[{"scope":{"name":"app"},"logRecords":[)";
  for (std::size_t n = 0; n < records; ++n) {
    if (n > 0) json += ",";
    json += LogRecord(n, random);
  }
  return json + "]}]}]}";
}

// One byte that says "not compressed", four of length, most significant first.
std::string GrpcHeader(std::size_t size) {
  std::string header(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) header += static_cast<char>(size >> shift);
  return header;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t records = 0;
  const char* text = argc == 2 ? argv[1] : "";
  const auto read = std::from_chars(text, text + std::strlen(text), records);
  if (read.ec != std::errc() || *read.ptr != '\0' || records == 0) {
    std::cerr << "usage: bench_payload RECORDS > FILE\n";
    return 64;
  }
  const auto body = postern::otlp::FromJson(postern::otlp::Signal::kLogs, LogExport(records));
  if (!body) {
    std::cerr << body.error().message() << "\n";
    return 1;
  }
  std::cout << GrpcHeader(body->size()) << *body;
  return std::cout.flush() ? 0 : 1;
}
