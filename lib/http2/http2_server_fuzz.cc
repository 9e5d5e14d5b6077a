// What a stranger sends to an HTTP/2 server whose streams answer. The first byte tells in what
// pieces it comes and whether the preface is given away; what is to be sent stays bounded.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/http2/session.h"
#include "lib/http2/testing/exchange.h"
#include "lib/http2/testing/raw_frames.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern::http2;
  if (size == 0) return 0;
  const unsigned choice = data[0];
  std::string in = (choice & 1U) != 0 ? raw::Hello() : "";
  in.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = 1 + (choice >> 2U) * 32;

  Exchange::Seen seen;  // of all streams
  std::unique_ptr<Session> server;
  server = std::make_unique<Session>(
      Session::Role::kServer, Session::Options{.max_concurrent_streams = 8}, [&] {
        seen = {};
        return std::make_unique<Exchange>(seen, Exchange::Plan{.session = server.get(),
                                                               .body = "an answer",
                                                               .trailers = true,
                                                               .most_headers = 16});
      });
  std::string out;
  for (std::string_view rest = in; !rest.empty();) {
    const std::string_view some = rest.substr(0, piece);
    if (!server->Receive(some)) break;
    rest.remove_prefix(some.size());
    CHECK(server->stream_count() <= 8 + 1, "the peer opens no more streams than it may");
    out.clear();
    if (!server->Fill(out, 64 * 1024)) break;
    CHECK(out.size() <= 128 * 1024, "a fill is about as much as was asked for");
    if (server->Finished()) break;
  }
  return 0;
}
