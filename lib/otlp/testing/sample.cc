#include "lib/otlp/testing/sample.h"

#include <array>
#include <cstdio>
#include <random>

#include "lib/otlp/from_json.h"
#include "lib/otlp/otlp.pb.h"

namespace postern::otlp {
namespace {

using Random = std::mt19937_64;
using Attributes = google::protobuf::RepeatedPtrField<wire::KeyValue>;

constexpr const char* kIdKey = "record.id";
constexpr std::uint64_t kStart = 1'709'164'800'000'000'000;  // 29 February 2024

std::string IdOf(const Sample& sample, std::size_t n) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%08x-%08zx", sample.seed, n);
  return text.data();
}

std::string RandomBytes(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

void AddText(Attributes& attributes, const char* key, const std::string& text) {
  wire::KeyValue& added = *attributes.Add();
  added.set_key(key);
  added.mutable_value()->set_string_value(text);
}

void AddNumber(Attributes& attributes, const char* key, std::int64_t number) {
  wire::KeyValue& added = *attributes.Add();
  added.set_key(key);
  added.mutable_value()->set_int_value(number);
}

void AddIdAndFiller(Attributes& attributes, const Sample& sample, std::size_t n, Random& random) {
  AddText(attributes, kIdKey, IdOf(sample, n));
  if (sample.filler_bytes == 0) return;
  std::string filler(sample.filler_bytes, ' ');
  for (char& c : filler) c = "etaoin shrdlu.,0"[random() % 16];
  AddText(attributes, "filler", filler);
}

// The parts that resource_logs, resource_metrics and resource_spans have in common.
template <typename OfResource, typename OfScope>
void Describe(OfResource& of_resource, OfScope& of_scope) {
  Attributes& attributes = *of_resource.mutable_resource()->mutable_attributes();
  AddText(attributes, "service.name", "checkout");
  AddText(attributes, "service.version", "1.4.2");
  AddText(attributes, "host.name", "edge-7");
  of_scope.mutable_scope()->set_name("checkout.order");
}

void Fill(wire::LogRecord& record, const Sample& sample, std::size_t n, Random& random) {
  record.set_time_unix_nano(kStart + n * 1'000'003 + random() % 1'000'000);
  record.set_observed_time_unix_nano(record.time_unix_nano() + 1000 + random() % 1000);
  record.set_severity_number(9);
  record.set_severity_text("INFO");
  record.mutable_body()->set_string_value("order " + std::to_string(random() % 1'000'000'000) +
                                          " accepted and passed on to the warehouse");
  AddText(*record.mutable_attributes(), "http.method", "POST");
  AddText(*record.mutable_attributes(), "http.route", "/v1/orders/{id}");
  AddNumber(*record.mutable_attributes(), "http.status_code", 200);
  record.set_trace_id(RandomBytes(random, 16));
  record.set_span_id(RandomBytes(random, 8));
  AddIdAndFiller(*record.mutable_attributes(), sample, n, random);
}

void Fill(wire::NumberDataPoint& point, const Sample& sample, std::size_t n, Random& random) {
  point.set_start_time_unix_nano(kStart);
  point.set_time_unix_nano(kStart + n * 1'000'003 + random() % 1'000'000);
  point.set_as_double(static_cast<double>(random() % 100'000) / 1000);
  AddText(*point.mutable_attributes(), "http.route", "/v1/orders/{id}");
  AddIdAndFiller(*point.mutable_attributes(), sample, n, random);
}

void Fill(wire::Span& span, const Sample& sample, std::size_t n, Random& random) {
  span.set_trace_id(RandomBytes(random, 16));
  span.set_span_id(RandomBytes(random, 8));
  span.set_parent_span_id(RandomBytes(random, 8));
  span.set_name("POST /v1/orders");
  span.set_kind(2);
  span.set_start_time_unix_nano(kStart + n * 1'000'003);
  span.set_end_time_unix_nano(span.start_time_unix_nano() + random() % 50'000'000);
  AddNumber(*span.mutable_attributes(), "http.status_code", 200);
  AddIdAndFiller(*span.mutable_attributes(), sample, n, random);
}

// Calls `item` with each log record, data point of a gauge, or span of `request`.
void ForEach(const wire::ExportLogsRequest& request, auto&& item) {
  for (const auto& resource : request.resource_logs()) {
    for (const auto& scope : resource.scope_logs()) {
      for (const auto& record : scope.log_records()) item(record);
    }
  }
}

void ForEach(const wire::ExportMetricsRequest& request, auto&& item) {
  for (const auto& resource : request.resource_metrics()) {
    for (const auto& scope : resource.scope_metrics()) {
      for (const auto& metric : scope.metrics()) {
        for (const auto& point : metric.gauge().data_points()) item(point);
      }
    }
  }
}

void ForEach(const wire::ExportTraceRequest& request, auto&& item) {
  for (const auto& resource : request.resource_spans()) {
    for (const auto& scope : resource.scope_spans()) {
      for (const auto& span : scope.spans()) item(span);
    }
  }
}

template <typename Request>
std::vector<std::string> IdsIn(std::string_view protobuf) {
  std::vector<std::string> ids;
  Request request;
  if (!request.ParseFromArray(protobuf.data(), static_cast<int>(protobuf.size()))) return ids;
  ForEach(request, [&ids](const auto& record) {
    std::string& id = ids.emplace_back();
    for (const wire::KeyValue& attribute : record.attributes()) {
      if (attribute.key() == kIdKey) id = attribute.value().string_value();
    }
  });
  return ids;
}

std::string MakeLogs(const Sample& sample, Random& random) {
  wire::ExportLogsRequest request;
  auto& of_resource = *request.add_resource_logs();
  auto& of_scope = *of_resource.add_scope_logs();
  Describe(of_resource, of_scope);
  for (std::size_t n = 0; n < sample.records; ++n) {
    Fill(*of_scope.add_log_records(), sample, n, random);
  }
  return request.SerializeAsString();
}

std::string MakeMetrics(const Sample& sample, Random& random) {
  wire::ExportMetricsRequest request;
  auto& of_resource = *request.add_resource_metrics();
  auto& of_scope = *of_resource.add_scope_metrics();
  Describe(of_resource, of_scope);
  wire::Metric& metric = *of_scope.add_metrics();
  metric.set_name("http.server.queue_wait");
  metric.set_unit("ms");
  for (std::size_t n = 0; n < sample.records; ++n) {
    Fill(*metric.mutable_gauge()->add_data_points(), sample, n, random);
  }
  return request.SerializeAsString();
}

std::string MakeTraces(const Sample& sample, Random& random) {
  wire::ExportTraceRequest request;
  auto& of_resource = *request.add_resource_spans();
  auto& of_scope = *of_resource.add_scope_spans();
  Describe(of_resource, of_scope);
  for (std::size_t n = 0; n < sample.records; ++n) {
    Fill(*of_scope.add_spans(), sample, n, random);
  }
  return request.SerializeAsString();
}

}  // namespace

std::string MakeExport(Signal signal, const Sample& sample) {
  Random random(sample.seed);
  switch (signal) {
    case Signal::kLogs: return MakeLogs(sample, random);
    case Signal::kMetrics: return MakeMetrics(sample, random);
    case Signal::kTraces: return MakeTraces(sample, random);
  }
  return {};
}

std::vector<std::string> SampleIds(const Sample& sample) {
  std::vector<std::string> ids;
  for (std::size_t n = 0; n < sample.records; ++n) ids.push_back(IdOf(sample, n));
  return ids;
}

std::vector<std::string> RecordIds(Signal signal, std::string_view protobuf) {
  switch (signal) {
    case Signal::kLogs: return IdsIn<wire::ExportLogsRequest>(protobuf);
    case Signal::kMetrics: return IdsIn<wire::ExportMetricsRequest>(protobuf);
    case Signal::kTraces: return IdsIn<wire::ExportTraceRequest>(protobuf);
  }
  return {};
}

std::vector<std::string> RecordIdsOfJson(Signal signal, std::string_view line) {
  const auto protobuf = FromJson(signal, line);
  return protobuf ? RecordIds(signal, *protobuf) : std::vector<std::string>();
}

}  // namespace postern::otlp
