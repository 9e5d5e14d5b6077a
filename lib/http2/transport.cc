#include "lib/http2/transport.h"

#include <utility>

namespace postern::http2 {

Transport::Transport(base::Loop& loop, net::Fd socket, std::unique_ptr<pki::TlsSession> tls,
                     net::Scratch& scratch, std::unique_ptr<Session> session, Hooks hooks)
    : session_(std::move(session)),
      hooks_(std::move(hooks)),
      connection_(loop, std::move(socket), std::move(tls), scratch, *this) {}

std::string_view Transport::Take(std::string_view bytes) {
  const base::Result<std::size_t> taken = session_->Receive(bytes);
  if (!taken) {
    connection_.Close(taken.error());
    return {};
  }
  if (session_->WantsToSend()) connection_.WantWrite();
  if (session_->Finished()) connection_.Close(session_->ending());
  return bytes.substr(*taken);
}

void Transport::OnBytes(std::string_view bytes) {
  if (session_->paused()) {  // one read, decrypted in several parts
    untaken_.append(bytes);
    return;
  }
  untaken_.assign(Take(bytes));
  if (session_->paused()) connection_.PauseReading();
}

std::size_t Transport::ReadLimit() {
  return hooks_.read_limit ? hooks_.read_limit() : std::string_view::npos;
}

void Transport::Resume() {
  if (!session_->paused()) return;
  const std::string bytes = std::move(untaken_);
  untaken_ = Take(bytes);
  if (session_->paused() || !connection_.open()) return;
  untaken_.shrink_to_fit();
  connection_.ResumeReading();
}

void Transport::OnFill(std::string& out, std::size_t most) {
  const base::Status filled = session_->Fill(out, most);
  if (!filled) connection_.Close(filled.error());
  if (session_->Finished()) connection_.Close(session_->ending());
}

}  // namespace postern::http2
