#include "lib/http2/session.h"

#include <nghttp2/nghttp2.h>

#include <array>
#include <utility>
#include <vector>

#include "lib/base/check.h"

namespace postern::http2 {

using base::Code;
using base::Fail;

namespace {

// Answers that wait for a peer that does not read. Far more than open streams can cause.
constexpr std::size_t kMostUnsent = 10'000;

base::Error Broken(const std::string& how) {
  return Fail(Code::kInvalid, "peer broke the HTTP/2 protocol: " + how);
}

std::string_view Text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::vector<nghttp2_nv> ToNghttp2(Fields fields) {
  std::vector<nghttp2_nv> list;
  list.reserve(fields.size());
  for (const Field& field : fields) {
    // nghttp2 takes mutable pointers and does not write through them.
    auto* name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(field.name.data()));
    auto* value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(field.value.data()));
    const int flags = field.lasting ? NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE
                                    : NGHTTP2_NV_FLAG_NONE;
    list.push_back(
        {name, value, field.name.size(), field.value.size(), static_cast<std::uint8_t>(flags)});
  }
  return list;
}

}  // namespace

// nghttp2's callbacks, each a translation into one call of a Stream.
// NOLINTBEGIN(readability-function-size): nghttp2 says how many arguments its callbacks have.
struct Session::Callbacks {
  static Session& Self(void* user) { return *static_cast<Session*>(user); }

  static ssize_t Send(nghttp2_session*, const std::uint8_t* data, size_t size, int, void* user) {
    Session& self = Self(user);
    if (self.out_->size() >= self.most_) return NGHTTP2_ERR_WOULDBLOCK;
    self.out_->append(Text(data, size));
    return static_cast<ssize_t>(size);
  }

  static ssize_t Read(nghttp2_session* session, std::int32_t id, std::uint8_t*, size_t most,
                      std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto* stream = static_cast<Stream*>(source->ptr);
    const Offer offer = stream->OnOffer(most);
    switch (offer.then) {
      case Offer::Then::kWait:
      case Offer::Then::kMore:
        // An empty frame for each time that we are asked would never end.
        if (offer.bytes == 0) return NGHTTP2_ERR_DEFERRED;
        break;
      case Offer::Then::kEnd: *flags |= NGHTTP2_DATA_FLAG_EOF; break;
      case Offer::Then::kTrailers: {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const std::vector<nghttp2_nv> trailers = ToNghttp2(stream->Trailers());
        if (nghttp2_submit_trailer(session, id, trailers.data(), trailers.size()) != 0) {
          return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
        break;
      }
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return static_cast<ssize_t>(offer.bytes);
  }

  static int SendData(nghttp2_session*, nghttp2_frame*, const std::uint8_t* header, size_t size,
                      nghttp2_data_source* source, void* user) {
    Session& self = Self(user);
    if (self.out_->size() >= self.most_) return NGHTTP2_ERR_WOULDBLOCK;
    self.out_->append(Text(header, 9));  // RFC 9113, section 4.1; we never ask for padding
    static_cast<Stream*>(source->ptr)->OnTake(size, *self.out_);
    return 0;
  }

  static int BeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Session& self = Self(user);
    std::unique_ptr<Stream> stream = self.accept_ ? self.accept_() : nullptr;
    if (stream == nullptr) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                NGHTTP2_REFUSED_STREAM);
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    stream->id_ = frame->hd.stream_id;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream.get());
    self.streams_.emplace(frame->hd.stream_id, std::move(stream));
    return 0;
  }

  static int Header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    size_t name_size, const std::uint8_t* value, size_t value_size, std::uint8_t,
                    void* user) {
    Session& self = Self(user);
    Stream* stream = self.Find(frame->hd.stream_id);
    if (stream == nullptr || stream->OnHeader(Text(name, name_size), Text(value, value_size))) {
      return 0;
    }
    nghttp2_submit_rst_stream(self.session_, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                              NGHTTP2_ENHANCE_YOUR_CALM);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int Frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Session& self = Self(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) self.OnGoAway(frame->goaway.error_code);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* stream = self.Find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS) stream->OnHeadersEnd();
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream->OnEnd();
    return 0;
  }

  static int Data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                  size_t size, void* user) {
    Session& self = Self(user);
    // The connection's window is never what bounds: one stream must not stop the others.
    nghttp2_session_consume_connection(self.session_, size);
    if (!self.widen_by_hand_) nghttp2_session_consume_stream(self.session_, id, size);
    if (Stream* stream = self.Find(id)) stream->OnData(Text(data, size));
    return 0;
  }

  static int StreamClose(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    Self(user).Close(id, static_cast<ErrorCode>(code));
    return 0;
  }

  // nghttp2 ends a session by itself, without a word to us but this.
  static int FrameSent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_GOAWAY || frame->goaway.error_code == NGHTTP2_NO_ERROR) return 0;
    const std::string_view detail = Text(frame->goaway.opaque_data, frame->goaway.opaque_data_len);
    Self(user).ending_ = Broken(std::string(nghttp2_http2_strerror(frame->goaway.error_code)) +
                                (detail.empty() ? "" : ", ") + std::string(detail));
    return 0;
  }

  static nghttp2_session_callbacks* Table() {
    nghttp2_session_callbacks* table = nullptr;
    CHECK(nghttp2_session_callbacks_new(&table) == 0, "memory for a table of callbacks");
    nghttp2_session_callbacks_set_send_callback(table, Send);
    nghttp2_session_callbacks_set_send_data_callback(table, SendData);
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, BeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(table, Header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, Frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, Data);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, FrameSent);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, StreamClose);
    return table;
  }
};
// NOLINTEND(readability-function-size)

Session::Session(Role role, const Options& options, AcceptStream accept)
    : role_(role),
      accept_(std::move(accept)),
      widen_by_hand_(options.widen_by_hand),
      ending_(Code::kUnavailable, "session is over") {
  nghttp2_session_callbacks* callbacks = Callbacks::Table();
  nghttp2_option* tuning = nullptr;
  CHECK(nghttp2_option_new(&tuning) == 0, "memory for options");
  // Closed streams are kept by default for a priority scheme that RFC 9113 has dropped.
  nghttp2_option_set_no_closed_streams(tuning, 1);
  nghttp2_option_set_no_auto_window_update(tuning, 1);
  nghttp2_option_set_max_deflate_dynamic_table_size(tuning, options.header_table);
  const int made = role == Role::kServer
                       ? nghttp2_session_server_new2(&session_, callbacks, this, tuning)
                       : nghttp2_session_client_new2(&session_, callbacks, this, tuning);
  nghttp2_option_del(tuning);
  nghttp2_session_callbacks_del(callbacks);
  CHECK(made == 0, "memory for a session");
  const std::array settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                             options.max_concurrent_streams},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                             static_cast<std::uint32_t>(options.stream_window)},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, options.header_table},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
  };
  // A server does not send ENABLE_PUSH: RFC 9113, section 6.5.2.
  const std::size_t count = role == Role::kServer ? settings.size() - 1 : settings.size();
  CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), count) == 0 &&
            nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                                  options.connection_window) == 0,
        "settings are within the protocol's ranges");
}

Session::~Session() {
  while (!streams_.empty()) Close(streams_.begin()->first, ErrorCode::kCancel);
  nghttp2_session_del(session_);
}

Stream* Session::Find(StreamId id) {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

void Session::Close(StreamId id, ErrorCode code) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const std::unique_ptr<Stream> stream = std::move(found->second);
  streams_.erase(found);
  nghttp2_session_set_stream_user_data(session_, id, nullptr);
  stream->OnClosed(code);
}

void Session::OnGoAway(std::uint32_t code) {
  peer_is_leaving_ = true;
  if (code == NGHTTP2_NO_ERROR) return;
  ending_ = Fail(Code::kUnavailable,
                 std::string("peer ended the session: ") + nghttp2_http2_strerror(code));
}

base::Status Session::Receive(std::string_view bytes) {
  const ssize_t handled = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (handled < 0) {
    return Broken(nghttp2_strerror(static_cast<int>(handled)));
  }
  if (role_ == Role::kServer && nghttp2_session_get_outbound_queue_size(session_) > kMostUnsent) {
    return Broken("it causes answers faster than it takes them");
  }
  return {};
}

base::Status Session::Fill(std::string& out, std::size_t most) {
  out_ = &out;
  most_ = most;
  const int failed = nghttp2_session_send(session_);
  out_ = nullptr;
  if (failed != 0) {
    return Fail(Code::kInternal, std::string("writing HTTP/2 frames: ") + nghttp2_strerror(failed));
  }
  return {};
}

bool Session::WantsToSend() const { return nghttp2_session_want_write(session_) != 0; }

bool Session::Finished() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

base::Status Session::Request(std::unique_ptr<Stream> stream, Fields headers, bool has_body) {
  const std::vector<nghttp2_nv> list = ToNghttp2(headers);
  nghttp2_data_provider body{};
  body.source.ptr = stream.get();
  body.read_callback = Callbacks::Read;
  const std::int32_t id = nghttp2_submit_request(session_, nullptr, list.data(), list.size(),
                                                 has_body ? &body : nullptr, stream.get());
  if (id < 0) {
    return Fail(Code::kUnavailable, std::string("opening a stream: ") + nghttp2_strerror(id));
  }
  stream->id_ = id;
  streams_.emplace(id, std::move(stream));
  return {};
}

void Session::Respond(Stream& stream, Fields headers, bool has_body) {
  const std::vector<nghttp2_nv> list = ToNghttp2(headers);
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = Callbacks::Read;
  CHECK(nghttp2_submit_response(session_, stream.id_, list.data(), list.size(),
                                has_body ? &body : nullptr) == 0,
        "an open stream takes one answer");
}

void Session::ResumeBody(Stream& stream) { nghttp2_session_resume_data(session_, stream.id_); }

void Session::Reset(Stream& stream, ErrorCode code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_,
                            static_cast<std::uint32_t>(code));
}

void Session::Widen(Stream& stream, std::int32_t bytes) {
  nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, stream.id_, bytes);
}

void Session::GoAway() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

}  // namespace postern::http2
