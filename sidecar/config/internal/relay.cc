#include <algorithm>
#include <utility>

#include "sidecar/config/internal/sections.h"
#include "sidecar/config/internal/values.h"

namespace postern::config {
namespace {

constexpr std::uint64_t kLeastMemory = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostMemory = std::uint64_t{64} << 30;
constexpr std::uint64_t kLeastRecord = std::uint64_t{1} << 10;
constexpr std::uint64_t kMostRecord = std::uint64_t{1} << 30;  // HTTP/2's windows end at 2 GiB
// One record compressed and inflated at the door beside the links' standing credit, and some room
// for others meanwhile: with less a record could wait for memory that never comes free.
constexpr std::uint64_t kRecordsInMemory = 4;

// Room for the largest record in a segment of its own, beside those that are filled and freed.
constexpr std::uint64_t kRecordsInQueue = 4;
constexpr std::uint64_t kLeastQueue = std::uint64_t{4} << 20;
constexpr base::Duration kLeastAge = std::chrono::seconds(1);
constexpr std::uint64_t kMostQueue = std::uint64_t{1} << 50;

constexpr std::pair<std::string_view, Ack> kAcks[] = {{"Durable", Ack::kDurable},
                                                      {"Memory", Ack::kMemory},
                                                      {"EndToEnd", Ack::kEndToEnd},
                                                      {"Parent", Ack::kParent}};
constexpr std::pair<std::string_view, bool> kWhenFull[] = {{"Refuse", false}, {"DropOldest", true}};

constexpr std::string_view kNotServed = "not yet served; remove the field";

auto QuantityFrom(std::uint64_t least, std::uint64_t most) {
  return [=](const yaml::Node& node) { return ReadQuantityFrom(node, least, most); };
}

base::Result<Ack> ReadAck(const yaml::Node& node, bool server) {
  if (server && node.text() == "Parent") {
    return base::Fail(base::Code::kInvalid,
                      "a ManagementServer has no parent; write Durable, Memory or EndToEnd");
  }
  return ReadChoice<Ack>(node, kAcks);
}

void ReadMemory(Section& section, Relay& relay) {
  const auto memory = section.Read("memory", QuantityFrom(kLeastMemory, kMostMemory));
  const auto record = section.Read("maxRecord", QuantityFrom(kLeastRecord, kMostRecord));
  relay.memory = memory.value_or(relay.memory);
  const std::uint64_t most = relay.memory / kRecordsInMemory;
  relay.max_record = record.value_or(std::min(relay.max_record, most));
  const bool memory_is_known = memory || !section.Has("memory");
  if (memory_is_known && relay.max_record > most) {
    section.Complain("maxRecord", "more than a quarter of " + section.PathOf("memory") +
                                      "; write at most " + ShowQuantity(most));
  }
}

base::Result<base::Duration> ReadMaxAge(const yaml::Node& node) {
  ASSIGN_OR_RETURN(const base::Duration age, ReadDuration(node));
  if (age >= kLeastAge) return age;
  return base::Fail(base::Code::kInvalid, "too little; write at least 1s, or remove the field");
}

// Returns the most that a backend may be behind; where maxBytes is bad nobody knows.
std::uint64_t ReadQueue(Section& section, bool server, Relay& relay) {
  auto queue = section.Open("queue");
  const std::uint64_t least = std::max(kLeastQueue, kRecordsInQueue * relay.max_record);
  relay.queue_bytes = std::max(relay.queue_bytes, least);
  if (!queue) return section.Has("queue") ? kMostQueue : relay.queue_bytes;
  const auto read_ack = [server](const yaml::Node& node) { return ReadAck(node, server); };
  relay.ack = queue->Read("ack", read_ack).value_or(relay.ack);
  const auto bytes = queue->Read("maxBytes", QuantityFrom(least, kMostQueue));
  relay.queue_bytes = bytes.value_or(relay.queue_bytes);
  const auto read_when_full = [](const yaml::Node& node) {
    return ReadChoice<bool>(node, kWhenFull);
  };
  relay.drop_oldest = queue->Read("whenFull", read_when_full).value_or(false);
  relay.max_age = queue->Read("maxAge", ReadMaxAge);
  queue->Finish();
  return bytes || !queue->Has("maxBytes") ? relay.queue_bytes : kMostQueue;
}

std::optional<OtlpService> ReadOtlp(Section& section) {
  auto otlp = section.Open("otlp");
  if (!otlp) return std::nullopt;
  OtlpService service;
  service.grpc =
      otlp->ReadRequired("grpc", ReadPort, "write the port, or remove otlp").value_or(service.grpc);
  service.bind = otlp->Read("bind", ReadBind).value_or(service.bind);
  for (const char* name : {"http", "auth", "tls"}) otlp->Refuse(name, kNotServed);
  otlp->Finish();
  return service;
}

}  // namespace

Relay ReadRelay(Section& root, std::optional<Kind> kind, const std::string& base) {
  Relay relay;
  const bool server = kind == Kind::kManagementServer;
  auto section =
      server ? root.OpenRequired("relay", "name at least one backend in it") : root.Open("relay");
  if (!section) return relay;
  relay.bind = section->Read("bind", ReadBind).value_or(relay.bind);
  relay.admin = section->Read("admin", ReadPort).value_or(relay.admin);
  ReadMemory(*section, relay);
  const std::uint64_t most_behind = ReadQueue(*section, server, relay);
  relay.otlp = ReadOtlp(*section);
  relay.drain_grace = section->Read("drainGrace", ReadDuration).value_or(relay.drain_grace);
  if (server) {
    relay.backends = ReadBackends(*section, base, most_behind);
  } else if (kind == Kind::kGateway) {
    section->Refuse("backends", "a Gateway delivers to its parents; remove the field");
  } else {
    section->Ignore("backends");
  }
  section->Refuse("services", kNotServed);
  section->Finish();
  return relay;
}

}  // namespace postern::config
