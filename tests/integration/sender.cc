#include "tests/integration/sender.h"

#include <unordered_set>
#include <utility>

#include "lib/otlp/testing/sample.h"
#include "tests/integration/relay.h"
#include "tests/support/eventually.h"

namespace postern::integration {

using otlp::Signal;

namespace {
// Where nobody listens a refusal comes at once: a client that does not wait would only burn the
// CPU.
constexpr base::Duration kAfterRefusal = std::chrono::milliseconds(5);
}  // namespace

std::vector<std::string> Lost(const std::vector<std::string>& accepted,
                              const std::vector<std::string>& delivered) {
  const std::unordered_set<std::string> there(delivered.begin(), delivered.end());
  std::vector<std::string> lost;
  for (const std::string& id : accepted) {
    if (!there.contains(id)) lost.push_back(id);
  }
  return lost;
}

std::vector<std::string> Repeated(const std::vector<std::string>& delivered) {
  std::unordered_set<std::string> seen;
  std::vector<std::string> repeated;
  for (const std::string& id : delivered) {
    if (!seen.insert(id).second) repeated.push_back(id);
  }
  return repeated;
}

std::string Sender::NextBatch() {
  return otlp::MakeExport(
      Signal::kLogs, {.records = kRecords, .seed = ++seed_, .filler_bytes = batches_.filler_bytes});
}

base::Status Sender::Note(const rpc::UnaryResult& result) {
  if (result.grpc_code != kGrpcOk) {
    return base::Fail(base::Code::kUnavailable, "batch " + std::to_string(seed_) + ": gRPC code " +
                                                    std::to_string(result.grpc_code) + ": " +
                                                    result.message);
  }
  for (std::string& id : otlp::SampleIds({.records = kRecords, .seed = seed_})) {
    accepted_.push_back(std::move(id));
  }
  return {};
}

base::Status Sender::Send() { return Note(client_.ExportAtLast(Signal::kLogs, NextBatch())); }
base::Status Sender::SendOnce() { return Note(client_.Export(Signal::kLogs, NextBatch())); }

SteadySender::SteadySender(std::uint16_t port, Patience patience, Batches batches)
    : sender_(port, batches), patience_(patience), thread_([this] { Run(); }) {}

SteadySender::~SteadySender() { Stop(); }

void SteadySender::Run() {
  while (!stopping_) {
    const base::Status sent = patience_ == Patience::kRetries ? sender_.Send() : sender_.SendOnce();
    if (sent) {
      ++taken_;
    } else {
      refusals_.push_back(sent.error().message());
      std::this_thread::sleep_for(kAfterRefusal);
    }
  }
}

bool SteadySender::AwaitMore(int batches) {
  const int goal = taken_ + batches;
  return support::Eventually([this, goal] { return taken_ >= goal; }, kSoon);
}

void SteadySender::Stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

}  // namespace postern::integration
