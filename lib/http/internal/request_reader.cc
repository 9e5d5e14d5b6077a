#include "lib/http/internal/request_reader.h"

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace postern::http::internal {
namespace {

MHD_Result AppendPair(void* pairs, MHD_ValueKind /*kind*/, const char* name, const char* value) {
  static_cast<Pairs*>(pairs)->emplace_back(name, value == nullptr ? "" : value);
  return MHD_YES;
}

struct DestroyResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};

}  // namespace

Request ReadHead(MHD_Connection* connection, const char* method, const char* path) {
  Request request;
  request.method = method;
  request.path = path;
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &AppendPair, &request.query);
  MHD_get_connection_values(connection, MHD_HEADER_KIND, &AppendPair, &request.headers);
  return request;
}

bool AnnouncesMoreThan(const Request& request, std::size_t most) {
  const std::optional<std::string_view> length = request.Header("Content-Length");
  if (!length) return false;
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), bytes);
  return error == std::errc::result_out_of_range || bytes > most;
}

MHD_Result Queue(MHD_Connection* connection, const Response& response) {
  // The library only reads a buffer of MUST_COPY; its parameter lacks the const.
  const std::unique_ptr<MHD_Response, DestroyResponse> answer(MHD_create_response_from_buffer(
      response.body.size(), const_cast<char*>(response.body.data()), MHD_RESPMEM_MUST_COPY));
  if (answer == nullptr) return MHD_NO;
  MHD_add_response_header(answer.get(), MHD_HTTP_HEADER_CONTENT_TYPE,
                          response.content_type.c_str());
  for (const auto& [name, value] : response.headers) {
    MHD_add_response_header(answer.get(), name.c_str(), value.c_str());
  }
  return MHD_queue_response(connection, static_cast<unsigned>(response.status), answer.get());
}

}  // namespace postern::http::internal
