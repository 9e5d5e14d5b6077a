#include "lib/http2/transport.h"

#include <utility>

namespace postern::http2 {

Transport::Transport(base::Loop& loop, net::Fd socket, std::unique_ptr<pki::TlsSession> tls,
                     net::Scratch& scratch, std::unique_ptr<Session> session, Hooks hooks)
    : session_(std::move(session)),
      hooks_(std::move(hooks)),
      connection_(loop, std::move(socket), std::move(tls), scratch, *this) {}

void Transport::OnBytes(std::string_view bytes) {
  const base::Status taken = session_->Receive(bytes);
  if (!taken) return connection_.Close(taken.error());
  if (session_->WantsToSend()) connection_.WantWrite();
  if (session_->Finished()) connection_.Close(session_->ending());
}

void Transport::OnFill(std::string& out, std::size_t most) {
  if (mute_) return;
  const base::Status filled = session_->Fill(out, most);
  if (!filled) connection_.Close(filled.error());
  if (session_->Finished()) connection_.Close(session_->ending());
}

}  // namespace postern::http2
