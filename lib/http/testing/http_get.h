// A small blocking HTTP client on raw sockets, for tests: it can also send what no client should.
//
//   const Reply reply = Get(server->port(), "/livez");
//   const std::string answer = Exchange(server->port(), "GARBAGE\r\n\r\n");
//
// Talks to 127.0.0.1 and waits at most 10 s for each read: then, and where it cannot connect, the
// answer is what came until then.
#pragma once

#include <string>
#include <string_view>

namespace postern::http {

struct Reply {
  int status = 0;    // 0: no answer that could be read
  std::string head;  // the status line and the headers
  std::string body;

  // Returns the value of a header by its exact name; empty where there is none.
  std::string Header(std::string_view name) const;
};

// Threads: any. Each call is one connection.
Reply Get(int port, std::string_view path);
// `headers` are whole lines with their ends: "Expect: 100-continue\r\n".
Reply Ask(int port, std::string_view method, std::string_view path, std::string_view headers = {},
          std::string_view body = {});

// Sends `bytes` as they are, ends its side and returns what comes back until the other side ends.
std::string Exchange(int port, std::string_view bytes);

// A connection that a test holds open. Threads: loop.
class RawConnection {
 public:
  explicit RawConnection(int port);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return fd_ >= 0; }
  // Whether all of it was taken.
  bool Send(std::string_view bytes);
  void EndSending();
  // Returns what has come once `mark` is in it, or the other side has ended.
  std::string ReadUntil(std::string_view mark);
  // Returns everything until the other side ends.
  std::string ReadToEnd();
  // Waits for at most this long; whether the other side has ended, or there is something to read.
  bool HasNews(int milliseconds) const;

 private:
  int fd_;
};

// Reads the text of an answer. A status of 0 where it is none.
Reply ParseReply(std::string_view text);

}  // namespace postern::http
