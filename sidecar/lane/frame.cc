#include "sidecar/lane/frame.h"

#include <algorithm>
#include <utility>

#include "sidecar/record/record_codec.h"
#include "sidecar/record/wire.h"

namespace postern::lane {

using base::Bytes;
using base::Code;
using base::Fail;
using base::Result;
using record::Reader;
using record::Writer;

namespace {

enum class Kind : std::uint8_t {
  kHello = 1,
  kWelcome = 2,
  kData = 3,
  kAck = 4,
  kLive = 5,
  kLiveAck = 6,
  kCredit = 7,
  kPing = 8,
  kPong = 9,
  kDrain = 10,
  kPath = 11,
};

constexpr std::uint8_t kCompressed = 0x01;
constexpr std::uint8_t kKeep = 0x02;
constexpr std::size_t kMaxGroupText = 253;
constexpr std::size_t kMaxMessageText = 1024;
constexpr std::size_t kMaxResponse = 14 * 1024;  // a LiveAck stays below a child's 16 KiB
constexpr std::uint8_t kLastGrpcCode = 16;

void Begin(Writer& out, Kind kind) { out.Byte(static_cast<std::uint8_t>(kind)); }

void PutStore(Writer& out, const record::StoreId& store) {
  out.Raw({reinterpret_cast<const char*>(store.data()), store.size()});
}

record::StoreId GetStore(Reader& in) {
  record::StoreId store{};
  const std::string_view bytes = in.Raw(store.size());
  std::copy(bytes.begin(), bytes.end(), store.begin());
  return store;
}

void PutPath(Writer& out, const std::vector<std::string>& path) {
  out.Number(path.size());
  for (const std::string& host : path) out.Text(host);
}

// Makes the frame malformed: asks for more than there is.
void Break(Reader& in) { in.Raw(in.rest().size() + 1); }

std::vector<std::string> GetPath(Reader& in) {
  std::vector<std::string> path;
  const std::uint64_t hosts = in.Number();
  if (hosts > kMaxPath) Break(in);
  for (std::uint64_t i = 0; i < hosts && in.ok(); ++i) {
    path.emplace_back(in.Text(record::kMaxHostText));
  }
  return path;
}

// Signed numbers travel as two's complement: clocks before 1970 are rare enough to cost ten bytes.
std::uint64_t Bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

void Put(Writer& out, const Hello& hello) {
  Begin(out, Kind::kHello);
  out.Number(hello.protocol);
  out.Text(hello.group);
  out.Text(hello.group_id);
  out.Text(hello.host);
  PutStore(out, hello.store);
  out.Number(hello.last_sequence);
  PutPath(out, hello.path);
  out.Number(Bits(hello.clock_ms));
  out.Number(hello.max_record);
  out.Number(hello.history);
}

Hello GetHello(Reader& in) {
  Hello hello;
  hello.protocol = in.Number();
  hello.group = in.Text(kMaxGroupText);
  hello.group_id = in.Text(kMaxGroupText);
  hello.host = in.Text(record::kMaxHostText);
  hello.store = GetStore(in);
  hello.last_sequence = in.Number();
  hello.path = GetPath(in);
  hello.clock_ms = static_cast<std::int64_t>(in.Number());
  hello.max_record = in.Number();
  hello.history = in.Number();
  return hello;
}

void Put(Writer& out, const Welcome& welcome) {
  Begin(out, Kind::kWelcome);
  out.Number(welcome.protocol);
  out.Text(welcome.group);
  out.Text(welcome.group_id);
  out.Text(welcome.host);
  PutStore(out, welcome.store);
  out.Number(welcome.session);
  out.Number(welcome.mark);
  out.Word(welcome.mark_crc);
  PutPath(out, welcome.path);
  out.Number(Bits(welcome.clock_ms));
  out.Number(welcome.max_record);
  out.Number(welcome.history);
  out.Number(welcome.credit);
}

Welcome GetWelcome(Reader& in) {
  Welcome welcome;
  welcome.protocol = in.Number();
  welcome.group = in.Text(kMaxGroupText);
  welcome.group_id = in.Text(kMaxGroupText);
  welcome.host = in.Text(record::kMaxHostText);
  welcome.store = GetStore(in);
  welcome.session = in.Number();
  welcome.mark = in.Number();
  welcome.mark_crc = in.Word();
  welcome.path = GetPath(in);
  welcome.clock_ms = static_cast<std::int64_t>(in.Number());
  welcome.max_record = in.Number();
  welcome.history = in.Number();
  welcome.credit = in.Number();
  return welcome;
}

void Put(Writer& out, const Batch& batch) {
  const bool data = batch.lane == Batch::Lane::kData;
  Begin(out, data ? Kind::kData : Kind::kLive);
  out.Byte(
      static_cast<std::uint8_t>((batch.compressed ? kCompressed : 0) | (batch.keep ? kKeep : 0)));
  if (data) out.Number(batch.session);
  out.Number(batch.first);
  if (batch.compressed) out.Number(batch.raw_size);
  if (data || batch.compressed) out.Word(batch.crc);
}

Batch GetBatch(Reader& in, Batch::Lane lane, const Bytes& message) {
  Batch batch;
  batch.lane = lane;
  const std::uint8_t flags = in.Byte();
  // Flags that a newer peer has beside these say nothing that we must know.
  batch.compressed = (flags & kCompressed) != 0;
  batch.keep = lane == Batch::Lane::kLive && (flags & kKeep) != 0;
  if (lane == Batch::Lane::kData) batch.session = in.Number();
  batch.first = in.Number();
  if (batch.compressed) batch.raw_size = in.Number();
  if (lane == Batch::Lane::kData || batch.compressed) batch.crc = in.Word();
  if (!in.ok()) return batch;
  batch.payload = message.Slice(message.size() - in.rest().size());
  if (!batch.compressed) batch.raw_size = batch.payload.size();
  in.Raw(in.rest().size());
  return batch;
}

void Put(Writer& out, const LiveAck& ack) {
  Begin(out, Kind::kLiveAck);
  out.Number(ack.first);
  out.Number(ack.count);
  out.Byte(static_cast<std::uint8_t>(ack.answer.code));
  // The usual answer, plain OK, ends here.
  if (ack.answer == record::Answer{}) return;
  out.Text(std::string_view(ack.answer.message).substr(0, kMaxMessageText));
  out.Number(static_cast<std::uint64_t>(ack.answer.retry_after.count()));
  // A response beyond the bound is advice that the client can do without.
  const Bytes& response = ack.answer.response;
  out.Text(response.size() > kMaxResponse ? std::string_view() : response.view());
}

record::AnswerCode GetCode(Reader& in) {
  const std::uint8_t code = in.Byte();
  return code > kLastGrpcCode ? record::AnswerCode::kUnknown
                              : static_cast<record::AnswerCode>(code);
}

LiveAck GetLiveAck(Reader& in) {
  LiveAck ack;
  ack.first = in.Number();
  ack.count = in.Number();
  ack.answer.code = GetCode(in);
  if (in.done()) return ack;
  ack.answer.message = in.Text(kMaxMessageText);
  constexpr std::uint64_t kLongestWait = 24ULL * 3600 * 1000;
  ack.answer.retry_after = std::chrono::milliseconds(std::min(in.Number(), kLongestWait));
  ack.answer.response = Bytes::Copy(in.Text(kMaxResponse));
  return ack;
}

void Put(Writer& out, const Ack& ack) {
  Begin(out, Kind::kAck);
  out.Number(ack.through);
}

void Put(Writer& out, const Credit& credit) {
  Begin(out, Kind::kCredit);
  out.Number(credit.total);
  out.Number(credit.returned);
}

void Put(Writer& out, const Ping& ping) {
  Begin(out, Kind::kPing);
  out.Number(ping.stamp);
  out.Byte(static_cast<std::uint8_t>(ping.state));
}

void Put(Writer& out, const Pong& pong) {
  Begin(out, Kind::kPong);
  out.Number(pong.stamp);
  out.Byte(static_cast<std::uint8_t>(pong.state));
}

void Put(Writer& out, const Drain& drain) {
  Begin(out, Kind::kDrain);
  out.Number(static_cast<std::uint64_t>(drain.grace.count()));
}

void Put(Writer& out, const Path& path) {
  Begin(out, Kind::kPath);
  PutPath(out, path.hosts);
}

void Put(Writer&, const Unknown&) {}

PeerState GetState(Reader& in) {
  const std::uint8_t state = in.Byte();
  // A state of a newer peer that we do not know is no reason to send records there.
  return state > 3 ? PeerState::kDraining : static_cast<PeerState>(state);
}

Drain GetDrain(Reader& in) {
  constexpr std::uint64_t kLongestGrace = 24ULL * 3600 * 1000;
  return {std::chrono::milliseconds(std::min(in.Number(), kLongestGrace))};
}

Frame GetFrame(Kind kind, Reader& in, const Bytes& message) {
  switch (kind) {
    case Kind::kHello: return GetHello(in);
    case Kind::kWelcome: return GetWelcome(in);
    case Kind::kData: return GetBatch(in, Batch::Lane::kData, message);
    case Kind::kLive: return GetBatch(in, Batch::Lane::kLive, message);
    case Kind::kAck: return Ack{in.Number()};
    case Kind::kLiveAck: return GetLiveAck(in);
    case Kind::kCredit: {
      const std::uint64_t total = in.Number();
      return Credit{total, in.Number()};
    }
    case Kind::kPing: {
      const std::uint64_t stamp = in.Number();
      return Ping{stamp, GetState(in)};
    }
    case Kind::kPong: {
      const std::uint64_t stamp = in.Number();
      return Pong{stamp, GetState(in)};
    }
    case Kind::kDrain: return GetDrain(in);
    case Kind::kPath: return Path{GetPath(in)};
  }
  return Unknown{};
}

std::size_t BeginMessage(std::string& out) {
  out.append(kMessagePrefix, '\0');
  return out.size() - kMessagePrefix;
}

// Writes the length, big-endian as gRPC has it, over what BeginMessage left room for.
void EndMessage(std::size_t prefix, std::size_t more, std::string& out) {
  const std::size_t size = out.size() - prefix - kMessagePrefix + more;
  for (std::size_t i = 0; i < 4; ++i) out[prefix + 4 - i] = static_cast<char>(size >> (8 * i));
}

}  // namespace

void AppendFrame(const Frame& frame, std::string& out) {
  if (const Batch* batch = std::get_if<Batch>(&frame)) {
    AppendBatch(*batch, batch->payload.size(), out);
    out.append(batch->payload.view());
    return;
  }
  const std::size_t prefix = BeginMessage(out);
  Writer writer(out);
  std::visit([&writer](const auto& known) { Put(writer, known); }, frame);
  EndMessage(prefix, 0, out);
}

void AppendBatch(const Batch& batch, std::size_t payload_size, std::string& out) {
  const std::size_t prefix = BeginMessage(out);
  Writer writer(out);
  Put(writer, batch);
  EndMessage(prefix, payload_size, out);
}

Result<Frame> ParseFrame(const Bytes& message) {
  Reader in(message.view());
  const std::uint8_t kind = in.Byte();
  if (!in.ok()) return Fail(Code::kCorrupt, "an empty frame");
  Frame frame = GetFrame(static_cast<Kind>(kind), in, message);
  if (std::holds_alternative<Unknown>(frame)) return frame;
  if (!in.ok() || !in.done()) {
    return Fail(Code::kCorrupt, "frame of kind " + std::to_string(kind) + " is malformed");
  }
  return frame;
}

}  // namespace postern::lane
