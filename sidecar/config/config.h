// Config: what one relay was told to be, checked and complete.
//
// Made by Load (load.h) and never changed: a field that the file does not name holds the default
// that stands here. Opens nothing: whether a certificate exists or a port is free is found by who
// uses it.
//
//   const Config config = *Load("gateway.yaml");
//   if (config.kind == Kind::kGateway) Dial(config.parents.front());
//
// Threads: immutable.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/clock.h"

namespace postern::config {

enum class Kind : std::uint8_t { kGateway, kManagementServer };
enum class Compression : std::uint8_t { kAuto, kZstd, kNone };
enum class Ack : std::uint8_t { kDurable, kMemory, kEndToEnd, kParent };

inline constexpr std::uint16_t kLinkPort = 5723;
inline constexpr std::uint16_t kAdminPort = 9464;
inline constexpr std::uint16_t kOtlpGrpcPort = 4317;

// Where to connect to. An IPv6 host stands without brackets.
struct Address {
  std::string host;
  std::uint16_t port = 0;

  bool operator==(const Address&) const = default;
};

// PEM files, as paths that can be opened: relative ones were joined to the base folder.
struct CertificateFiles {
  std::string chain;  // the member's own certificate first
  std::string key;
  std::string roots;
};

struct Parent {
  std::string name;
  std::string host;                // the name in its certificate
  std::vector<Address> addresses;  // tried in order; at least one: host:5723 if the file has none
};

// Who may connect to our port.
struct Members {
  bool anyone = false;             // ["*"]: whoever the group's CA signed
  std::vector<std::string> hosts;  // unless anyone
};

// Where local clients speak OTLP to us.
struct OtlpService {
  std::uint16_t grpc = 0;          // 0: any free port
  std::string bind = "127.0.0.1";  // local only, for clients are not asked who they are
};

struct OtlpBackend {
  Address endpoint;
  bool tls = false;
  std::string ca_file;  // as CertificateFiles; empty: the system's roots
};
struct FileBackend {
  std::string path;  // a folder below the state folder
};
struct DiscardBackend {};

struct Signals {
  bool logs = true;
  bool metrics = true;
  bool traces = true;
};

struct Backend {
  std::string name;
  Signals signals;
  // Bytes of the log: what is further behind leaves this backend. Absent: it is waited for.
  std::optional<std::uint64_t> max_behind;
  std::variant<DiscardBackend, FileBackend, OtlpBackend> target;
};

struct Relay {
  std::string bind;                  // of the link's and the admin port; "": every address
  std::uint16_t admin = kAdminPort;  // 0: any free port
  std::uint64_t memory = std::uint64_t{64} << 20;  // bytes of bodies that may be held
  // The largest body. At most a quarter of `memory`; where the file has none, 16Mi or that quarter
  // if less.
  std::uint64_t max_record = std::uint64_t{16} << 20;
  Ack ack = Ack::kDurable;
  std::uint64_t queue_bytes = std::uint64_t{1} << 30;  // that the queue's folder may take
  bool drop_oldest = false;               // where it is full; else nothing more is taken
  std::optional<base::Duration> max_age;  // of a record; absent: none expires
  std::optional<OtlpService> otlp;        // absent: off
  base::Duration drain_grace = std::chrono::seconds(30);
  std::vector<Backend> backends;  // a management server's, at least one
};

struct Config {
  Kind kind = Kind::kGateway;
  std::string name;
  std::string group = "default";
  std::string host;  // the name in our certificate
  CertificateFiles certificate;
  // Where children connect; 0: any free port. A gateway without one has no children; a management
  // server has 5723 if the file has none.
  std::optional<std::uint16_t> port;
  Members members;
  // A gateway's, in order of preference, at least one; a management server has none.
  std::vector<Parent> parents;
  base::Duration dead_after = std::chrono::seconds(5);
  Compression compression = Compression::kAuto;
  Relay relay;
};

}  // namespace postern::config
