#include "lib/rpc/unary_channel.h"

#include <unordered_set>
#include <utility>
#include <vector>

#include "lib/base/mutex.h"
#include "lib/rpc/internal/channel_parts.h"
#include "lib/rpc/internal/grpc.h"
#include "lib/rpc/internal/headers.h"
#include "lib/rpc/internal/retry_info.h"

namespace postern::rpc {
namespace {

// One call from Call to its Done; gRPC reads and writes the buffers in between.
struct UnderWay {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  UnaryChannel::Done done;
};
using UnderWayPtr = std::shared_ptr<UnderWay>;

std::optional<std::chrono::milliseconds> RetryAfter(const grpc::ClientContext& context,
                                                    const grpc::Status& status) {
  if (const auto told = internal::ParseRetryInfo(status.error_details())) return told;
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto pushback = trailers.find("grpc-retry-pushback-ms");
  if (pushback == trailers.end()) return std::nullopt;
  return internal::ParsePushback({pushback->second.data(), pushback->second.size()});
}

UnaryResult ToResult(const UnderWay& call, const grpc::Status& status) {
  UnaryResult result{.grpc_code = static_cast<int>(status.error_code()),
                     .message = status.error_message()};
  if (status.ok()) {
    result.response = internal::ToBytes(call.response);
  } else {
    result.retry_after = RetryAfter(call.context, status);
  }
  return result;
}

// On the monotonic clock: a step of the wall clock must not end a call.
gpr_timespec DeadlineIn(base::Duration timeout) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(timeout.count(), GPR_TIMESPAN));
}

}  // namespace

// Held by the channel and by each call, so that the last callback may end after the destructor.
struct UnaryChannel::Shared {
  explicit Shared(const std::shared_ptr<grpc::Channel>& channel)
      : stub(std::make_unique<grpc::GenericStub>(channel)) {}

  void Finish(UnderWayPtr call, const grpc::Status& status) {
    call->done(ToResult(*call, status));
    {
      base::MutexLock lock(mutex);
      calls.erase(call);
    }
    // Before the destructor may go on: a context holds the channel, and whoever holds it last joins
    // gRPC's threads, of which this is one.
    call.reset();
    base::MutexLock lock(mutex);
    if (--under_way == 0) ended.NotifyAll();
  }

  // Gone with the channel: gRPC's channel must not end on one of its own threads.
  std::unique_ptr<grpc::GenericStub> stub;
  base::Mutex mutex;
  base::CondVar ended;
  std::size_t under_way GUARDED_BY(mutex) = 0;
  std::unordered_set<UnderWayPtr> calls GUARDED_BY(mutex);  // to be cancelled
};

base::Result<std::unique_ptr<UnaryChannel>> UnaryChannel::Open(const Options& options) {
  // gRPC would write lines of its own to stderr, beside our log; each failure is in its call's
  // result.
  gpr_set_log_function([](gpr_log_func_args*) {});
  ASSIGN_OR_RETURN(const internal::Endpoint endpoint, internal::ParseEndpoint(options.endpoint));
  ASSIGN_OR_RETURN(const auto credentials, internal::MakeCredentials(endpoint.tls, options.ca_pem));
  const auto channel =
      grpc::CreateCustomChannel(endpoint.target, credentials, internal::MakeArguments(options));
  return std::unique_ptr<UnaryChannel>(new UnaryChannel(std::make_shared<Shared>(channel)));
}

UnaryChannel::UnaryChannel(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

UnaryChannel::~UnaryChannel() {
  std::vector<UnderWayPtr> calls;
  {
    base::MutexLock lock(shared_->mutex);
    calls.assign(shared_->calls.begin(), shared_->calls.end());
  }
  // Without the lock: a cancelled call may end within TryCancel.
  for (const UnderWayPtr& call : calls) call->context.TryCancel();
  calls.clear();
  {
    base::MutexLock lock(shared_->mutex);
    while (shared_->under_way > 0) shared_->ended.Wait(shared_->mutex);
  }
  shared_->stub.reset();
}

void UnaryChannel::Call(std::string_view full_method, const base::Bytes& request,
                        const Metadata& headers, base::Duration timeout, Done done) {
  const auto call = std::make_shared<UnderWay>();
  call->request = internal::ToByteBuffer(request);
  call->done = std::move(done);
  call->context.set_deadline(DeadlineIn(timeout));
  call->context.set_wait_for_ready(false);
  for (const auto& [name, value] : internal::LegalHeaders(headers)) {
    call->context.AddMetadata(name, value);
  }
  {
    base::MutexLock lock(shared_->mutex);
    ++shared_->under_way;
    shared_->calls.insert(call);
  }
  shared_->stub->UnaryCall(&call->context, std::string(full_method), grpc::StubOptions(),
                           &call->request, &call->response,
                           [shared = shared_, call = call](const grpc::Status& status) mutable {
                             shared->Finish(std::move(call), status);
                           });
}

}  // namespace postern::rpc
