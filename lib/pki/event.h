// The catalogue of findings about certificates and links: one number and one word for each.
//
// Numbers up to 21022 are those that Operations Manager users search for; what it never had starts
// at 61001. Errors carry the number in event(); logs, conditions and counters carry the word.
//
//   return Fail(Code::kDenied, "no gateway named gw7").As(event::kNotRegistered);
//   FindEvent(error.event())->reason;   // "NotRegistered"
//
// Threads: immutable.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace postern::pki {

enum class Severity : std::uint8_t { kInformation, kWarning, kError };

struct Event {
  int number;
  Severity severity;
  std::string_view reason;
  std::string_view meaning;
};

namespace event {
inline constexpr int kNotRegistered = 20000;
inline constexpr int kNotAuthenticated = 20002;
inline constexpr int kNotCurrentlyValid = 20049;
inline constexpr int kWrongKeyUsage = 20050;
inline constexpr int kSubjectMismatch = 20052;
inline constexpr int kCertificateLoaded = 20053;
inline constexpr int kCertificateNotFound = 20066;
inline constexpr int kPrivateKeyMissing = 20068;
inline constexpr int kUnsuitableKey = 20069;
inline constexpr int kNotAuthorized = 20070;
inline constexpr int kHandshakeFailed = 20071;
inline constexpr int kRemoteNotTrusted = 20072;
inline constexpr int kMutualAuthFailed = 21001;
inline constexpr int kNameNotResolved = 21005;
inline constexpr int kConnectFailed = 21006;
inline constexpr int kNotInTrustedDomain = 21007;
inline constexpr int kNoParentLeft = 21016;
inline constexpr int kNoCertificate = 21021;
inline constexpr int kRevoked = 61001;
inline constexpr int kCrlStale = 61002;
inline constexpr int kOutlivesIssuer = 61003;
inline constexpr int kPathLengthExceeded = 61004;
inline constexpr int kNameCheckFailed = 61005;
inline constexpr int kWeakKey = 61006;
inline constexpr int kHostConflict = 61007;
inline constexpr int kSidesDiffer = 61008;
inline constexpr int kRotationBlocked = 61009;
inline constexpr int kNotLoaded = 61010;
inline constexpr int kDuplicateIdentity = 61011;
inline constexpr int kTokenRefused = 61012;
inline constexpr int kCaMissing = 61013;
inline constexpr int kTrustRolledBack = 61014;
}  // namespace event

// Sorted by number.
inline constexpr std::array kEvents = {
    Event{event::kNotRegistered, Severity::kError, "NotRegistered",
          "a peer with a good certificate wanted to connect, but no member of the group has its "
          "name"},
    Event{event::kNotAuthenticated, Severity::kError, "NotAuthenticated",
          "a peer showed nothing that proves who it is"},
    Event{event::kNotCurrentlyValid, Severity::kError, "NotCurrentlyValid",
          "the certificate's time has not come or is over, by the clock of this side"},
    Event{event::kWrongKeyUsage, Severity::kError, "WrongKeyUsage",
          "the certificate does not allow both server and client authentication"},
    Event{event::kSubjectMismatch, Severity::kError, "SubjectMismatch",
          "the certificate names another host than expected"},
    Event{event::kCertificateLoaded, Severity::kInformation, "CertificateLoaded",
          "the certificate passed every check and is in use"},
    Event{event::kCertificateNotFound, Severity::kError, "CertificateNotFound",
          "the configured certificate is not where it should be"},
    Event{event::kPrivateKeyMissing, Severity::kError, "PrivateKeyMissing",
          "there is no readable private key that belongs to the certificate"},
    Event{event::kUnsuitableKey, Severity::kError, "UnsuitableKey",
          "the key is of a kind, or limited to a use, that a handshake cannot do with"},
    Event{
        event::kNotAuthorized, Severity::kError, "NotAuthorized",
        "the parent knows who this is and does not accept it: not registered or not approved yet"},
    Event{event::kHandshakeFailed, Severity::kError, "HandshakeFailed",
          "the TLS handshake ended before both sides knew each other"},
    Event{event::kRemoteNotTrusted, Severity::kError, "RemoteNotTrusted",
          "the peer's certificate does not lead to a root of this group"},
    Event{event::kMutualAuthFailed, Severity::kError, "MutualAuthFailed",
          "the two sides could not authenticate each other"},
    Event{event::kNameNotResolved, Severity::kError, "NameNotResolved",
          "the parent's name leads to no address"},
    Event{event::kConnectFailed, Severity::kError, "ConnectFailed",
          "the parent's address does not answer"},
    Event{event::kNotInTrustedDomain, Severity::kError, "NotInTrustedDomain",
          "no connection with both sides authenticated is possible: the peer shares no trust with "
          "us"},
    Event{event::kNoParentLeft, Severity::kError, "NoParentLeft",
          "no parent can be reached, and there is none left to fail over to"},
    Event{event::kNoCertificate, Severity::kError, "NoCertificate",
          "there is no certificate to show: none is configured or none could be loaded"},
    Event{event::kRevoked, Severity::kError, "Revoked",
          "the group denies this host or this certificate"},
    Event{event::kCrlStale, Severity::kWarning, "CRLStale",
          "the revocation list of a brought CA is older than it should be"},
    Event{event::kOutlivesIssuer, Severity::kWarning, "OutlivesIssuer",
          "the certificate lives longer than half of its issuer's life, or beyond its end"},
    Event{event::kPathLengthExceeded, Severity::kError, "PathLengthExceeded",
          "more CAs stand between the certificate and its root than the root allows"},
    Event{event::kNameCheckFailed, Severity::kError, "NameCheckFailed",
          "the peer's address and name do not lead to each other"},
    Event{event::kWeakKey, Severity::kError, "WeakKey",
          "a key or a signature of the chain is too weak to be believed"},
    Event{event::kHostConflict, Severity::kError, "HostConflict",
          "two resources claim the same host"},
    Event{event::kSidesDiffer, Severity::kError, "SidesDiffer",
          "the two sides of a link disagree about the group"},
    Event{event::kRotationBlocked, Severity::kWarning, "RotationBlocked",
          "a rotation of the CA waits for members that were not seen"},
    Event{event::kNotLoaded, Severity::kWarning, "NotLoaded",
          "a newer certificate lies ready and the relay still uses the older one"},
    Event{event::kDuplicateIdentity, Severity::kError, "DuplicateIdentity",
          "one member is connected twice with different keys: one may be stolen"},
    Event{event::kTokenRefused, Severity::kError, "TokenRefused",
          "an enrolment token was unknown, used or too old"},
    Event{event::kCaMissing, Severity::kError, "CAMissing",
          "the CA is gone or changed while its certificates are in use"},
    Event{event::kTrustRolledBack, Severity::kError, "TrustRolledBack",
          "an older trust document came after a newer one"},
};

// Returns the entry of `number`, or of the number that it is an alias of (20001 is 20000; 20077 and
// 21036 are 20068; 21022 is 21021). nullptr for numbers of other catalogues.
const Event* FindEvent(int number);

}  // namespace postern::pki
