// RetryInfo: when a server wants the next try, out of what came with its status.
//
// Read by hand: the messages are four fields deep, and the bytes are a stranger's.
//
// Threads: any.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace postern::rpc::internal {

// More than this is not believed.
inline constexpr std::chrono::milliseconds kLongestRetryAfter = std::chrono::hours(1);

// Returns the delay of the first google.rpc.RetryInfo in a google.rpc.Status (the decoded trailer
// grpc-status-details-bin); nothing where there is none, or bytes that are no protobuf.
std::optional<std::chrono::milliseconds> ParseRetryInfo(std::string_view status);

// Returns the delay of the trailer grpc-retry-pushback-ms; nothing where it is no number, or
// negative: then the server does not want to be asked again, and who sends decides for himself.
std::optional<std::chrono::milliseconds> ParsePushback(std::string_view value);

}  // namespace postern::rpc::internal
