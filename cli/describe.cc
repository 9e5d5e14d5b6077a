#include "cli/describe.h"

#include <cstddef>
#include <string_view>
#include <utility>

#include "cli/table.h"

namespace postern::cli {

using json::Array;
using json::Object;
using json::Value;
using queue::Finding;
using queue::Inspection;

namespace {

constexpr std::size_t kMostMarks = 20;  // in a table
using Kind = Finding::Kind;

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kGroups: return "records";
    case Kind::kEnd: return "end";
    case Kind::kHead: return "head";
    case Kind::kSectors: return "sectors";
    case Kind::kUnreadable: return "unreadable";
    case Kind::kForeign: return "foreign";
    case Kind::kStore: return "store";
    case Kind::kCursors: return "cursors";
    case Kind::kCheckpoint: return "checkpoint";
  }
  return "unknown";
}

// The sequences that may have stood between two others.
std::string LostText(const queue::Damage& where) {
  if (where.before == 0) return "records above " + std::to_string(where.after);
  if (where.before <= where.after + 1) return "no records";
  if (where.after == 0) return "records up to " + std::to_string(where.before - 1);
  const std::string first = std::to_string(where.after + 1);
  if (where.before == where.after + 2) return "record " + first;
  return "records from " + first + " to " + std::to_string(where.before - 1);
}

Value TimeValue(const queue::Stamp& stamp) {
  if (stamp == queue::Stamp()) return nullptr;
  return Object{{"time", TimeText(stamp.wall)}, {"ageMilliseconds", stamp.age}};
}

Value FindingValue(const Finding& finding) {
  const queue::Damage& where = finding.where;
  Value value = Object{{"kind", KindName(finding.kind)}, {"file", finding.file}};
  if (where.to > 0) {
    value.Set("from", PositionText(where.from));
    value.Set("to", PositionText(where.to));
  }
  if (finding.kind == Kind::kGroups || finding.kind == Kind::kEnd) {
    value.Set("afterSequence", where.after);
    value.Set("beforeSequence", where.before == 0 ? Value(nullptr) : Value(where.before));
  }
  if (finding.kind == Kind::kGroups) value.Set("needed", finding.needed);
  value.Set("message", Sentence(finding));
  return value;
}

Value SegmentValue(const queue::SegmentSummary& segment) {
  const auto sequence = [&segment](std::uint64_t one) {
    return segment.part.empty() ? Value(nullptr) : Value(one);
  };
  return Object{{"position", PositionText(segment.part.position)},
                {"bytes", segment.bytes},
                {"groups", segment.groups},
                {"records", segment.records},
                {"firstSequence", sequence(segment.part.first_sequence)},
                {"lastSequence", sequence(segment.part.last_sequence)}};
}

Value CursorValue(const queue::CursorSummary& cursor) {
  Array ranges;
  for (const auto& [after, through] : cursor.cursor.ranges) {
    ranges.emplace_back(Object{{"after", after}, {"through", through}});
  }
  return Object{{"name", cursor.name},
                {"floor", cursor.cursor.floor},
                {"ranges", std::move(ranges)},
                {"behind", cursor.behind}};
}

// What inspect and verify both tell.
Object CountsOf(const Inspection& inspection) {
  return {{"bytes", inspection.bytes},
          {"groups", inspection.groups},
          {"records", inspection.records},
          {"unsyncedBytes", inspection.unsynced},
          {"removedSegments", inspection.removed}};
}

Value SetAsideValue(const Inspection& inspection) {
  Array files;
  for (const queue::SetAside& one : inspection.set_aside) {
    files.emplace_back(Object{{"position", PositionText(one.position)},
                              {"bytes", one.bytes ? Value(*one.bytes) : Value(nullptr)}});
  }
  return files;
}

std::string RecordsText(const Inspection& inspection) {
  std::string text =
      CountText(inspection.records, "record") + " in " + CountText(inspection.groups, "group") +
      ", " + CountText(inspection.segments.size(), "segment") + ", " + SizeText(inspection.bytes);
  if (inspection.removed == 0) return text;
  return text + "; " + CountText(inspection.removed, "segment") + " passed on meanwhile";
}

std::string UnsyncedText(const Inspection& inspection) {
  if (inspection.unsynced == 0) return "nothing";
  return SizeText(inspection.unsynced) + " behind the last whole group";
}

std::string SetAsideText(const Inspection& inspection) {
  if (inspection.set_aside.empty()) return "nothing";
  std::uint64_t bytes = 0;
  for (const queue::SetAside& one : inspection.set_aside) bytes += one.bytes.value_or(0);
  return SizeText(bytes) + " of earlier damage, in " +
         CountText(inspection.set_aside.size(), "file") + " named *.damaged";
}

// Lines of "name  value"; no head.
class Facts {
 public:
  Facts& Add(std::string name, std::string value) {
    table_.Add({std::move(name), std::move(value)});
    return *this;
  }
  std::string Text() const {
    const std::string text = table_.Text();
    return text.substr(text.find('\n') + 1);
  }

 private:
  Table table_{{"", ""}};
};

std::string SequencesText(const Inspection& inspection) {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  for (const queue::SegmentSummary& segment : inspection.segments) {
    if (segment.part.empty()) continue;
    if (first == 0) first = segment.part.first_sequence;
    last = segment.part.last_sequence;
  }
  if (last == 0) return "none";
  return std::to_string(first) + " to " + std::to_string(last);
}

std::string FactsText(const Inspection& inspection) {
  Facts facts;
  const std::string opened = ", opened " + CountText(inspection.open_count, "time");
  facts.Add("store", inspection.store ? StoreText(*inspection.store) + opened : "not readable");
  facts.Add("holds", RecordsText(inspection));
  facts.Add("sequences", SequencesText(inspection));
  if (inspection.records > 0) {
    facts.Add("oldest", TimeText(inspection.first.wall));
    facts.Add("newest", TimeText(inspection.last.wall) + ", " +
                            SpanText(inspection.last.age - inspection.first.age) + " later");
  }
  facts.Add("checkpoint",
            inspection.checkpoint ? "at " + PositionText(*inspection.checkpoint) : "none yet");
  facts.Add("not synced", UnsyncedText(inspection));
  facts.Add("set aside", SetAsideText(inspection));
  const std::size_t damages = inspection.damages.size();
  facts.Add("damage", damages == 0 ? "none" : std::to_string(damages) + " found: see verify");
  return facts.Text();
}

std::string SegmentsText(const Inspection& inspection) {
  Table table({"SEGMENT", "SIZE", "GROUPS", "RECORDS", "FIRST", "LAST"});
  for (const queue::SegmentSummary& segment : inspection.segments) {
    const bool empty = segment.part.empty();
    table.Add({PositionText(segment.part.position), SizeText(segment.bytes),
               std::to_string(segment.groups), std::to_string(segment.records),
               empty ? "-" : std::to_string(segment.part.first_sequence),
               empty ? "-" : std::to_string(segment.part.last_sequence)});
  }
  return table.empty() ? "" : "\n" + table.Text();
}

std::string CursorsText(const Inspection& inspection) {
  Table table({"CURSOR", "BEHIND", "FLOOR", "DONE ABOVE IT"});
  for (const queue::CursorSummary& one : inspection.cursors) {
    const std::size_t ranges = one.cursor.ranges.size();
    table.Add({one.name, CountText(one.behind, "record"), std::to_string(one.cursor.floor),
               ranges == 0 ? "-" : CountText(ranges, "range")});
  }
  return table.empty() ? "" : "\n" + table.Text();
}

std::string MarksText(const Inspection& inspection) {
  Table table({"CHILD", "STORE", "SEQUENCE"});
  std::size_t left = kMostMarks;
  for (const auto& [sender, sequence] : inspection.marks) {
    if (left-- == 0) break;
    table.Add({sender.member, StoreText(sender.store), std::to_string(sequence)});
  }
  if (table.empty()) return "";
  std::string text = "\n" + table.Text();
  if (inspection.marks.size() <= kMostMarks) return text;
  return text + "… and " + CountText(inspection.marks.size() - kMostMarks, "store") +
         " more: -o json tells all\n";
}

}  // namespace

std::string Sentence(const Finding& finding) {
  const queue::Damage& where = finding.where;
  switch (finding.kind) {
    case Kind::kGroups:
      return LostText(where) + " were synced and are not whole" +
             (finding.needed ? "" : "; every reader was above them");
    case Kind::kEnd:
      return "a cursor is at " + std::to_string(where.before) + " and the queue ends at " +
             std::to_string(where.after) + ": its end is missing";
    case Kind::kHead: return "the segment's head is not whole; its records may be";
    case Kind::kSectors: return "the device does not read all of it; look at the kernel's log";
    case Kind::kUnreadable:
      return "nothing of it can be read: the right is missing, or the device fails";
    case Kind::kForeign: return "a segment of another queue; the relay will set it aside";
    case Kind::kStore: return "not readable: the relay will be another store when it starts";
    case Kind::kCursors: return "not readable: the relay will go on from its checkpoint's cursors";
    case Kind::kCheckpoint: return "not readable: the relay may take again what children repeat";
  }
  return "";
}

Value InspectionValue(const Inspection& inspection) {
  Value value =
      Object{{"store", inspection.store ? Value(StoreText(*inspection.store)) : Value(nullptr)},
             {"openCount", inspection.open_count}};
  for (const json::Member& count : CountsOf(inspection)) value.Set(count.key, count.value);
  value.Set("first", TimeValue(inspection.first));
  value.Set("last", TimeValue(inspection.last));
  Array segments;
  for (const auto& one : inspection.segments) segments.push_back(SegmentValue(one));
  value.Set("segments", std::move(segments));
  Array cursors;
  for (const auto& one : inspection.cursors) cursors.push_back(CursorValue(one));
  value.Set("cursors", std::move(cursors));
  value.Set("checkpoint",
            inspection.checkpoint ? Value(PositionText(*inspection.checkpoint)) : Value(nullptr));
  Array marks;
  for (const auto& [sender, sequence] : inspection.marks) {
    marks.emplace_back(Object{
        {"member", sender.member}, {"store", StoreText(sender.store)}, {"sequence", sequence}});
  }
  value.Set("marks", std::move(marks));
  value.Set("setAside", SetAsideValue(inspection));
  value.Set("damages", inspection.damages.size());
  return value;
}

Value VerificationValue(const Inspection& inspection) {
  Value value = CountsOf(inspection);
  value.Set("segments", inspection.segments.size());
  value.Set("setAside", SetAsideValue(inspection));
  Array damages;
  for (const Finding& one : inspection.damages) damages.push_back(FindingValue(one));
  value.Set("damages", std::move(damages));
  return value;
}

std::string InspectionText(const Inspection& inspection) {
  return FactsText(inspection) + SegmentsText(inspection) + CursorsText(inspection) +
         MarksText(inspection);
}

std::string VerificationText(const Inspection& inspection) {
  const std::size_t damages = inspection.damages.size();
  std::string text = Facts()
                         .Add("checked", RecordsText(inspection))
                         .Add("not synced", UnsyncedText(inspection))
                         .Add("set aside", SetAsideText(inspection))
                         .Add("damage", damages == 0 ? "none" : std::to_string(damages) + " found")
                         .Text();
  Table table({"DAMAGE", "FILE", "FROM", "TO", "WHAT"});
  for (const Finding& one : inspection.damages) {
    const bool placed = one.where.to > 0;
    table.Add({std::string(KindName(one.kind)), one.file,
               placed ? PositionText(one.where.from) : "-",
               placed ? PositionText(one.where.to) : "-", Sentence(one)});
  }
  return table.empty() ? text : text + "\n" + table.Text();
}

Value LedgerValue(const std::vector<queue::LedgerEntry>& entries) {
  Array values;
  for (const queue::LedgerEntry& one : entries) {
    values.emplace_back(Object{{"number", one.number},
                               {"time", TimeText(one.wall)},
                               {"reason", ReasonName(one.reason)},
                               {"reader", one.reader},
                               {"after", one.after},
                               {"through", one.through},
                               {"records", one.records},
                               {"bytes", one.bytes}});
  }
  return Object{{"entries", std::move(values)}};
}

std::string LedgerText(const std::vector<queue::LedgerEntry>& entries) {
  if (entries.empty()) return "nothing left the queue but by being passed on\n";
  Table table({"TIME", "REASON", "READER", "RECORDS", "SIZE", "ABOVE", "THROUGH"});
  for (const queue::LedgerEntry& one : entries) {
    table.Add({TimeText(one.wall), std::string(ReasonName(one.reason)),
               one.reader.empty() ? "-" : one.reader, std::to_string(one.records),
               SizeText(one.bytes), std::to_string(one.after), std::to_string(one.through)});
  }
  return table.Text();
}

}  // namespace postern::cli
