#include "tests/integration/crowd.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/check.h"
#include "lib/otlp/testing/sample.h"
#include "tests/integration/client.h"

namespace postern::integration {
namespace {

// What the relay asks for; RetryInfo is read by Client, here its presence is enough.
constexpr base::Duration kBeforeNextTry = std::chrono::seconds(1);

// Nobody's time is over: a refusal for want of memory is an answer, not a loss.
constexpr std::array kHeaders = {
    http2::Field{":method", "POST", true},
    http2::Field{":scheme", "http", true},
    http2::Field{":path", "/opentelemetry.proto.collector.logs.v1.LogsService/Export", true},
    http2::Field{":authority", "gw1", true},
    http2::Field{"content-type", "application/grpc", true},
    http2::Field{"te", "trailers", true},
    http2::Field{"grpc-timeout", "120S", true},
};

std::string Head(std::uint32_t seed, std::size_t filler) {
  const std::string own = otlp::MakeExport(otlp::Signal::kLogs, {.records = 1, .seed = seed});
  const auto size = static_cast<std::uint32_t>(own.size() + filler);
  std::string head(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) head += static_cast<char>(size >> shift);
  return head + own;
}

}  // namespace

// One try.
class Crowd::Export final : public http2::Stream {
 public:
  Export(Crowd& crowd, Client& client) : crowd_(crowd), client_(client) {}

 private:
  bool OnHeader(std::string_view name, std::string_view value) override {
    if (name == "grpc-status") code_ = std::stoi(std::string(value));
    if (name == "grpc-message") message_ = value;
    if (name == "grpc-status-details-bin") told_ = true;
    return true;
  }
  void OnHeadersEnd() override {}
  void OnData(std::string_view) override {}
  void OnEnd() override {}
  http2::Offer OnOffer(std::size_t most) override {
    const std::size_t left = client_.head.size() + crowd_.options_.filler.size() - sent_;
    using Then = http2::Offer::Then;
    return {.bytes = std::min(most, left), .then = left <= most ? Then::kEnd : Then::kMore};
  }
  void OnTake(std::size_t bytes, std::string& out) override {
    const std::size_t of_head =
        std::min(bytes, client_.head.size() - std::min(sent_, client_.head.size()));
    out.append(client_.head, std::min(sent_, client_.head.size()), of_head);
    sent_ += of_head;
    if (of_head == bytes) return;
    out.append(crowd_.options_.filler, sent_ - client_.head.size(), bytes - of_head);
    sent_ += bytes - of_head;
  }
  http2::Fields Trailers() override { return {}; }
  void OnClosed(http2::ErrorCode) override { crowd_.OnAnswer(client_, code_, told_, message_); }

  Crowd& crowd_;
  Client& client_;
  std::size_t sent_ = 0;
  int code_ = kGrpcUnavailable;  // where the stream ends without one
  bool told_ = false;            // when to come again
  std::string message_;
};

Crowd::Crowd(std::uint16_t port, Options options) : port_(port), options_(std::move(options)) {
  for (std::uint32_t i = 0; i < options_.clients; ++i) {
    clients_.push_back(std::make_unique<Client>());
    clients_.back()->head = Head(i + 1, options_.filler.size());
    Dial(*clients_.back());
  }
}

Crowd::~Crowd() { clients_.clear(); }

void Crowd::Dial(Client& client) {
  const auto address = net::SocketAddress::FromIp("127.0.0.1", port_);
  base::Result<net::Fd> socket = net::StartConnect(*address);
  CHECK(socket, "a port of this machine can be dialled");
  auto session = std::make_unique<http2::Session>(http2::Session::Role::kClient,
                                                  http2::Session::Options{}, nullptr);
  client.transport = std::make_unique<http2::Transport>(
      loop_, *std::move(socket), nullptr, scratch_, std::move(session),
      http2::Transport::Hooks{
          .on_open = [] {},
          .on_closed = [this, &client](const base::Error&) { OnClosed(client); }});
  client.transport->Start();
  Send(client);
}

void Crowd::Send(Client& client) {
  if (client.transport == nullptr) return Dial(client);
  const base::Status asked =
      client.transport->session().Request(std::make_unique<Export>(*this, client), kHeaders, true);
  CHECK(asked, "a connection takes one stream after the other");
  client.transport->Flush();
}

void Crowd::OnAnswer(Client& client, int code, bool may_retry, const std::string& message) {
  if (code == kGrpcOk) {
    client.taken = true;
    ++taken_;
    return;
  }
  if (code == kGrpcUnavailable || (code == kGrpcResourceExhausted && may_retry)) {
    ++put_off_;
    client.again = loop_.PostAfter(kBeforeNextTry, [this, &client] { Send(client); });
    return;
  }
  faults_.push_back(std::to_string(code) + ": " + message);
}

void Crowd::OnClosed(Client& client) {
  loop_.Defer([&client] { client.transport.reset(); });
}

bool Crowd::Run(base::Duration most, const std::function<void()>& watch) {
  const base::Instant until = clock_.Now() + most;
  while (taken_ < options_.clients && faults_.empty() && clock_.Now() < until) {
    loop_.RunOnce(std::chrono::milliseconds(20));
    watch();
  }
  return taken_ == options_.clients;
}

}  // namespace postern::integration
