#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace postern::cli {
namespace {

constexpr const char* kFooter = R"(
Examples:
  kubectl-postern queue inspect /var/lib/postern/queue
  kubectl-postern queue verify --help)";

constexpr const char* kQueueFooter = R"(
FOLDER is the relay's queue folder: STATE/queue, where STATE is its --state. The relay may be running: what it
has not synced yet is not told, and what it removes meanwhile was passed on.

STATE/dead-letter holds, in the same format, what was rejected for a fault of its own. The last of a letter's
metadata, postern-dead-letter, tells who rejected it and why; the oldest letters make room for new ones.

Exit codes: 0 fine   64 wrong usage   65 damage found (verify), or something left out (export)
            66 the folder is missing or cannot be read   74 the output cannot be written)";

constexpr const char* kInspectFooter = R"(
Examples:
  kubectl-postern queue inspect /var/lib/postern/queue
  kubectl-postern queue inspect /var/lib/postern/queue -o json | jq '.cursors[] | {name, behind}'

Sizes of a table are rounded, those of json and yaml exact. Damage is counted here and told by verify.
Exit codes: 0 fine   64 wrong usage   66 the folder is missing or cannot be read   74 cannot write)";

constexpr const char* kVerifyFooter = R"(
Examples:
  kubectl-postern queue verify /var/lib/postern/queue
  kubectl-postern queue verify /var/lib/postern/queue -o json >/dev/null || echo "damaged, or not there"

Every checksum is read and nothing repaired: the relay sets damaged bytes aside when it opens its queue.
Exit codes: 0 whole   64 wrong usage   65 damage found   66 the folder is missing or cannot be read
            74 cannot write)";

constexpr const char* kExportFooter = R"(
Examples:
  kubectl-postern queue export /var/lib/postern/queue | head -n 3
  kubectl-postern queue export /var/lib/postern/queue --signal logs --output logs.jsonl
  kubectl-postern queue export /var/lib/postern/queue --after 1099511627776 --through 1099511627780
  kubectl-postern queue export /var/lib/postern/queue --signal traces --raw --output traces.bin

A line is one export as OTLP JSON, as the file backend writes it. --raw writes protobuf bodies, each behind its
length as a varint (what protobuf's own libraries call delimited); of one signal, since a body does not tell its
own. Sequences are those of 'inspect'. What is damaged, or no export, is left out and told on stderr.
Exit codes: 0 all of it   64 wrong usage   65 something was left out
            66 the folder is missing or cannot be read   74 cannot write)";

constexpr const char* kLedgerFooter = R"(
Examples:
  kubectl-postern queue ledger /var/lib/postern/queue
  kubectl-postern queue ledger /var/lib/postern/queue -o json | jq '[.entries[].records] | add'

The ledger tells which records left the queue otherwise than by being passed on, and which may have been passed
on twice. The newest 4,096 entries are kept.
Exit codes: 0 fine   64 wrong usage   66 the folder is missing or cannot be read   74 cannot write)";

// CLI11 takes "-1" for a very large number. Returns what is wrong; nothing where all is well.
std::string WrongSequence(const std::string& text) {
  if (text.find_first_not_of("0123456789") == std::string::npos) return "";
  return "'" + text + "' is no sequence: take one that inspect tells";
}

CLI::App* AddVerb(CLI::App& queue, Verb verb, const char* name, const char* what,
                  Command& command) {
  CLI::App* app = queue.add_subcommand(name, what);
  app->add_option("FOLDER", command.folder, "the relay's queue folder, STATE/queue")
      ->required()
      ->type_name("");
  app->callback([&command, verb] { command.verb = verb; });
  return app;
}

// Takes one of some words. CLI11's own transformers name the values of an enumeration as bytes.
template <typename Value>
CLI::Option* AddChoice(CLI::App& app, const std::string& name, std::map<std::string, Value> choices,
                       const std::string& what, std::function<void(Value)> take) {
  const auto choose = [name, choices = std::move(choices), what,
                       take = std::move(take)](const std::string& word) {
    const auto found = choices.find(word);
    if (found == choices.end()) {
      throw CLI::ValidationError(name.substr(name.find("--")), "'" + word + "' is none of " + what);
    }
    take(found->second);
  };
  return app.add_option_function<std::string>(name, choose);
}

void AddFormat(CLI::App& app, Command& command) {
  const std::map<std::string, Format> formats{
      {"table", Format::kTable}, {"json", Format::kJson}, {"yaml", Format::kYaml}};
  AddChoice<Format>(app, "-o,--format", formats, "table, json and yaml",
                    [&command](Format format) { command.format = format; })
      ->description("table, json or yaml (default: table)")
      ->type_name("FORMAT");
}

void AddExport(CLI::App& app, Command& command) {
  std::map<std::string, record::Signal> signals;
  for (const record::Signal signal : record::kSignals) {
    signals.emplace(record::SignalName(signal), signal);
  }
  AddChoice<record::Signal>(app, "--signal", signals, "logs, metrics and traces",
                            [&command](record::Signal signal) { command.signal = signal; })
      ->description("only logs, metrics or traces")
      ->type_name("SIGNAL");
  app.add_option("--after", command.range.after, "only sequences above this one")
      ->check(WrongSequence)
      ->type_name("SEQUENCE");
  app.add_option("--through", command.range.through, "only sequences up to this one")
      ->check(WrongSequence)
      ->type_name("SEQUENCE");
  app.add_option("--output", command.output, "where to write; - is stdout (default: -)")
      ->type_name("FILE");
  app.add_flag("--raw", command.raw, "protobuf bodies, each behind its length; needs --signal");
}

void AddQueue(CLI::App& app, Command& command) {
  CLI::App* queue =
      app.add_subcommand("queue", "Reads the queue folder of a relay, running or not");
  queue->require_subcommand(1);
  queue->footer(kQueueFooter);
  CLI::App* inspect =
      AddVerb(*queue, Verb::kInspect, "inspect",
              "Tells what is in the queue: segments, records, cursors, marks", command);
  inspect->footer(kInspectFooter);
  AddFormat(*inspect, command);
  CLI::App* verify = AddVerb(*queue, Verb::kVerify, "verify",
                             "Checks every byte of the queue and tells every damage", command);
  verify->footer(kVerifyFooter);
  AddFormat(*verify, command);
  CLI::App* dump = AddVerb(*queue, Verb::kExport, "export",
                           "Writes the queue's records as OTLP JSON lines", command);
  dump->footer(kExportFooter);
  AddExport(*dump, command);
  CLI::App* ledger = AddVerb(*queue, Verb::kLedger, "ledger",
                             "Tells what left the queue without being passed on", command);
  ledger->footer(kLedgerFooter);
  AddFormat(*ledger, command);
}

}  // namespace

Command ParseCommandLine(int argc, char** argv) {
  Command command;
  CLI::App app("Looks at Postern from outside, for people and their scripts.", "kubectl-postern");
  app.footer(kFooter);
  app.set_version_flag("--version", POSTERN_VERSION);
  app.require_subcommand(1);
  AddQueue(app, command);
  try {
    app.parse(argc, argv);
    if (command.raw && !command.signal) {
      throw CLI::ValidationError("--raw", "needs --signal: a body does not tell its own");
    }
  } catch (const CLI::ParseError& error) {
    command.exit = app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  return command;
}

}  // namespace postern::cli
