#include "lib/rpc/testing/fake_server.h"

#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/mutex.h"
#include "lib/rpc/internal/channel_parts.h"
#include "lib/rpc/internal/grpc.h"

namespace postern::rpc {
namespace {

// Just enough protobuf to write a status.
void AppendVarint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}
std::string NumberField(int number, std::uint64_t value) {
  std::string out;
  AppendVarint(static_cast<std::uint64_t>(number) << 3, out);
  AppendVarint(value, out);
  return out;
}
std::string BytesField(int number, std::string_view bytes) {
  std::string out;
  AppendVarint(static_cast<std::uint64_t>(number) << 3 | 2, out);
  AppendVarint(bytes.size(), out);
  return out.append(bytes);
}

Metadata ToMetadata(const std::multimap<grpc::string_ref, grpc::string_ref>& from) {
  Metadata metadata;
  for (const auto& [name, value] : from) {
    metadata.emplace_back(std::string(name.data(), name.size()),
                          std::string(value.data(), value.size()));
  }
  return metadata;
}

grpc::Status ToStatus(const FakeServer::Reply& reply) {
  const std::string details =
      reply.retry_after ? StatusWithRetryInfo(reply.code, *reply.retry_after) : std::string();
  return {static_cast<grpc::StatusCode>(reply.code), reply.message, details};
}

}  // namespace

std::string StatusWithRetryInfo(int code, std::chrono::milliseconds delay) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(delay);
  const std::chrono::nanoseconds rest = delay - seconds;
  const std::string duration = NumberField(1, static_cast<std::uint64_t>(seconds.count())) +
                               NumberField(2, static_cast<std::uint64_t>(rest.count()));
  const std::string info = BytesField(1, duration);
  const std::string any =
      BytesField(1, "type.googleapis.com/google.rpc.RetryInfo") + BytesField(2, info);
  return NumberField(1, static_cast<std::uint64_t>(code)) + BytesField(3, any);
}

// Remembers requests and chooses replies. Threads: any.
class FakeServer::Service final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

  void AnswerBy(std::function<Reply(const Request&)> choose) {
    base::MutexLock lock(mutex_);
    choose_ = std::move(choose);
  }
  Reply Take(Request request) {
    base::MutexLock lock(mutex_);
    requests_.push_back(std::move(request));
    changed_.NotifyAll();
    return choose_ ? choose_(requests_.back()) : Reply();
  }
  std::vector<Request> requests() const {
    base::MutexLock lock(mutex_);
    return requests_;
  }
  bool WaitFor(std::size_t count, base::Duration most) const {
    const base::Instant end = std::chrono::steady_clock::now() + most;
    base::MutexLock lock(mutex_);
    while (requests_.size() < count) {
      const base::Duration left = end - std::chrono::steady_clock::now();
      if (left <= base::Duration(0)) return false;
      changed_.WaitFor(mutex_, left);
    }
    return true;
  }

 private:
  class Call;
  mutable base::Mutex mutex_;
  mutable base::CondVar changed_;
  std::vector<Request> requests_ GUARDED_BY(mutex_);
  std::function<Reply(const Request&)> choose_ GUARDED_BY(mutex_);
};

// One call: read, perhaps wait, answer. Deletes itself when gRPC is done with it.
class FakeServer::Service::Call final : public grpc::ServerGenericBidiReactor {
 public:
  Call(Service& service, grpc::GenericCallbackServerContext* context)
      : service_(service), context_(context) {
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return FinishOnce(grpc::Status::CANCELLED);
    reply_ = service_.Take({.path = context_->method(),
                            .peer = context_->peer(),
                            .metadata = ToMetadata(context_->client_metadata()),
                            .body = internal::ToBytes(message_)});
    if (reply_.never) return;
    if (reply_.delay <= base::Duration(0)) return Answer();
    {
      base::MutexLock lock(mutex_);
      if (finished_) return;
      alarm_ends_it_ = true;
    }
    const gpr_timespec due = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                          gpr_time_from_nanos(reply_.delay.count(), GPR_TIMESPAN));
    alarm_.Set(due, [this](bool) { Answer(); });
  }
  // The client is gone or the server ends. `this` lives until here and the alarm are through.
  void OnCancel() override {
    bool by_alarm = false;
    {
      base::MutexLock lock(mutex_);
      by_alarm = alarm_ends_it_;
    }
    if (by_alarm) {
      alarm_.Cancel();
    } else {
      FinishOnce(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  void Answer() {
    for (const auto& [name, value] : reply_.trailers) context_->AddTrailingMetadata(name, value);
    if (reply_.code != 0) return FinishOnce(ToStatus(reply_));
    if (!MayFinish()) return;
    message_ = internal::ToByteBuffer(base::Bytes::Copy(reply_.body));
    StartWriteAndFinish(&message_, {}, grpc::Status::OK);
  }
  void FinishOnce(const grpc::Status& status) {
    if (MayFinish()) Finish(status);
  }
  bool MayFinish() {
    base::MutexLock lock(mutex_);
    return !std::exchange(finished_, true);
  }

  Service& service_;
  grpc::GenericCallbackServerContext* const context_;
  grpc::ByteBuffer message_;
  Reply reply_;
  grpc::Alarm alarm_;
  base::Mutex mutex_;
  bool finished_ GUARDED_BY(mutex_) = false;
  bool alarm_ends_it_ GUARDED_BY(mutex_) = false;
};

grpc::ServerGenericBidiReactor* FakeServer::Service::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  return new Call(*this, context);
}

struct FakeServer::Running {
  bool tls = false;
  int port = 0;
  Service service;
  std::unique_ptr<grpc::Server> server;
};

FakeServer::FakeServer(const Options& options) : running_(std::make_unique<Running>()) {
  auto credentials = grpc::InsecureServerCredentials();
  running_->tls = !options.chain_pem.empty();
  if (running_->tls) {
    grpc::SslServerCredentialsOptions ssl;
    ssl.pem_key_cert_pairs.push_back({options.key_pem, options.chain_pem});
    credentials = grpc::SslServerCredentials(ssl);
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(options.port), credentials,
                           &running_->port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.RegisterCallbackGenericService(&running_->service);
  running_->server = builder.BuildAndStart();
  CHECK(running_->server != nullptr && running_->port > 0, "a test's port is free");
}

FakeServer::~FakeServer() {
  // A deadline that has passed: whatever still waits is cancelled.
  running_->server->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
  running_->server->Wait();
}

std::string FakeServer::endpoint() const {
  return (running_->tls ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port());
}

std::uint16_t FakeServer::port() const { return static_cast<std::uint16_t>(running_->port); }

void FakeServer::AnswerWith(Reply reply) {
  AnswerBy([reply = std::move(reply)](const Request&) { return reply; });
}

void FakeServer::AnswerBy(std::function<Reply(const Request&)> choose) {
  running_->service.AnswerBy(std::move(choose));
}

std::vector<FakeServer::Request> FakeServer::requests() const {
  return running_->service.requests();
}

bool FakeServer::WaitForRequests(std::size_t count, base::Duration most) const {
  return running_->service.WaitFor(count, most);
}

}  // namespace postern::rpc
