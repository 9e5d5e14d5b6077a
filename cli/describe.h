// What lib/queue found in a folder, as a value for programs and as text for people.
//
// Threads: immutable.
#pragma once

#include <string>
#include <vector>

#include "lib/json/value.h"
#include "lib/queue/ledger.h"
#include "lib/queue/offline.h"

namespace postern::cli {

// Exact and complete: keys in camelCase, positions and stores in hex, times in RFC 3339.
json::Value InspectionValue(const queue::Inspection& inspection);
json::Value VerificationValue(const queue::Inspection& inspection);
json::Value LedgerValue(const std::vector<queue::LedgerEntry>& entries);

// Tables: sizes rounded, and of many marks the first ones only.
std::string InspectionText(const queue::Inspection& inspection);
std::string VerificationText(const queue::Inspection& inspection);
std::string LedgerText(const std::vector<queue::LedgerEntry>& entries);

// A damage in a sentence: "records 7 to 9 were synced and are not whole".
std::string Sentence(const queue::Finding& finding);

}  // namespace postern::cli
