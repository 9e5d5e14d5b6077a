// Request and Response: what a Handler is given and what it gives back.
//
// Threads: immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::http {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = {};  // as it was sent: "GET"
  std::string path = {};    // decoded, without the query: "/readyz"
  Pairs query = {};         // decoded, in order; a parameter without = has an empty value
  Pairs headers = {};       // as they were sent
  std::string body = {};

  // Returns the first header of this name, whose case does not matter.
  std::optional<std::string_view> Header(std::string_view name) const;
  // Returns the first parameter of this name.
  std::optional<std::string_view> Parameter(std::string_view name) const;
};

struct Response {
  int status = 200;  // 200 to 599
  std::string content_type = "text/plain; charset=utf-8";
  // Further headers. One whose name or value HTTP does not allow (such as a line break) is left
  // out.
  Pairs headers = {};
  std::string body = {};  // not sent in answer to HEAD
};

}  // namespace postern::http
