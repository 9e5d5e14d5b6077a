#include "lib/yaml/parse.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/node/node.h>  // parser.h names it, and clang-tidy takes ours for it
#include <yaml-cpp/parser.h>

#include "lib/json/print.h"
#include "lib/yaml/internal/source.h"

namespace postern::yaml {
namespace {

using base::Code;
using base::Error;
using base::Fail;

Mark ToMark(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

Error At(std::string_view file_name, Mark mark, const std::string& what) {
  return Fail(Code::kInvalid,
              std::string(file_name) + ":" + std::to_string(mark.line) + ": " + what);
}

// Keys in messages: quoted, escaped and short, so that an error stays one line.
std::string Quoted(std::string_view text) {
  constexpr std::size_t kMost = 60;
  if (text.size() <= kMost) return json::Print(text);
  return json::Print(std::string(text.substr(0, kMost)) + "…");
}

// Whether JSON's grammar has `text` as a number: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
bool IsJsonNumber(std::string_view text) {
  const auto skip_digits = [&text] {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(digits);
    return digits;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const std::size_t whole = skip_digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (skip_digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (skip_digits() == 0) return false;
  }
  return text.empty();
}

Kind KindOfPlain(std::string_view text) {
  if (text == "true" || text == "false") return Kind::kBool;
  return IsJsonNumber(text) ? Kind::kNumber : Kind::kString;
}

// Thrown through yaml-cpp, which has no other way to be stopped, and caught in Parse.
struct Refused {
  Mark mark;
  std::string what;
};

// Builds the documents from yaml-cpp's events. Its parser descends only after the event of a list
// or map was taken, so that refusing the event keeps it from recursing: see Open.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const Source& source, std::string_view file_name)
      : source_(source), file_name_(file_name) {}

  std::vector<Document> TakeDocuments() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark& at) override {
    const Mark mark = ToMark(at);
    // yaml-cpp begins a new document wherever the old one ends: `{a: 1} {b: 2}` would be two.
    if (started_ && !(mark.column == 1 && source_.From(mark).starts_with("---"))) {
      throw Refused{mark, "text after the end of the document; begin another with ---"};
    }
    started_ = true;
    root_ = Node(mark);
  }

  void OnDocumentEnd() override {
    if (root_.kind() != Kind::kNull) {
      documents_.push_back({std::string(file_name_), std::move(root_)});
    }
  }

  void OnNull(const YAML::Mark& at, YAML::anchor_t anchor) override {
    const Mark mark = ToMark(at);
    if (anchor != YAML::NullAnchor) RefuseAnchor(mark);
    if (ExpectsKey()) throw Refused{mark, "a key is missing; write one in front of the colon"};
    // The mark of nothing is that of whatever comes next; its key is the better place.
    const bool in_map = !open_.empty() && open_.back().node.kind() == Kind::kMap;
    Add(Node(in_map ? open_.back().key->mark : mark));
  }

  void OnAlias(const YAML::Mark& at, YAML::anchor_t) override { RefuseAnchor(ToMark(at)); }

  void OnScalar(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const Mark mark = ToMark(at);
    RefuseProperties(mark, anchor);
    const bool plain = tag == "?";
    const char first = source_.From(mark).empty() ? '\0' : source_.From(mark).front();
    if (!plain && (first == '"' || first == '\'') && !source_.IsClosed(mark)) {
      throw Refused{mark, "the quotes that begin here are never closed; close them"};
    }
    if (ExpectsKey()) return StartEntry(text, mark);
    Add(Node::Scalar(plain ? KindOfPlain(text) : Kind::kString, text, mark));
  }

  void OnSequenceStart(const YAML::Mark& at, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Node::List(ToMark(at)), anchor);
  }
  void OnMapStart(const YAML::Mark& at, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Node::Map(ToMark(at)), anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  struct Key {
    std::string text;
    Mark mark;
  };
  struct Frame {
    Node node;
    std::optional<Key> key;                      // read, its value is still to come
    std::unordered_map<std::string, int> lines;  // of the keys so far
  };

  bool ExpectsKey() const {
    return !open_.empty() && open_.back().node.kind() == Kind::kMap && !open_.back().key;
  }

  [[noreturn]] static void RefuseAnchor(Mark mark) {
    throw Refused{mark, "an anchor or alias; write the value out at each place"};
  }

  void RefuseProperties(Mark mark, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor) RefuseAnchor(mark);
    if (source_.From(mark).starts_with('!')) {
      throw Refused{mark, "a tag; remove it, and quote the value where it is a string"};
    }
  }

  void StartEntry(const std::string& text, Mark mark) {
    Frame& frame = open_.back();
    const auto [known, added] = frame.lines.emplace(text, mark.line);
    if (!added) {
      throw Refused{mark, Quoted(text) + ": duplicate key; the first is in line " +
                              std::to_string(known->second)};
    }
    frame.key = Key{text, mark};
  }

  void Open(Node node, YAML::anchor_t anchor) {
    RefuseProperties(node.mark(), anchor);
    if (ExpectsKey()) {
      // yaml-cpp reports a bracket that is never closed as a key.
      throw Refused{node.mark(),
                    "a list or map where a key belongs; write a word, or close the bracket before"};
    }
    if (open_.size() >= kMaxDepth) {
      throw Refused{node.mark(), "nested deeper than " + std::to_string(kMaxDepth)};
    }
    open_.push_back({std::move(node), std::nullopt, {}});
  }

  void Close() {
    Node done = std::move(open_.back().node);
    open_.pop_back();
    Add(std::move(done));
  }

  void Add(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.kind() == Kind::kList) {
      frame.node.Append(std::move(node));
      return;
    }
    frame.node.Append(Entry{std::move(frame.key->text), frame.key->mark, std::move(node)});
    frame.key.reset();
  }

  const Source& source_;
  std::string_view file_name_;
  std::vector<Document> documents_;
  bool started_ = false;
  Node root_;
  std::vector<Frame> open_;
};

}  // namespace

base::Result<std::vector<Document>> Parse(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxBytes) {
    return Fail(Code::kExhausted, std::string(file_name) + ": " + std::to_string(text.size()) +
                                      " bytes; at most " + std::to_string(kMaxBytes) + " are read");
  }
  if (text.starts_with("\xef\xbb\xbf"))
    text.remove_prefix(3);  // what some editors begin a file with
  const Source source(text);
  if (const auto finding = source.Refuse()) return At(file_name, finding->mark, finding->what);
  Builder builder(source, file_name);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    return At(file_name, refused.mark, refused.what);
  } catch (const YAML::Exception& exception) {
    return At(file_name, ToMark(exception.mark), "not YAML: " + exception.msg);
  } catch (const std::exception& exception) {
    return At(file_name, {}, std::string("not YAML: ") + exception.what());
  }
  return builder.TakeDocuments();
}

}  // namespace postern::yaml
