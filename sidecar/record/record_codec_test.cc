#include "sidecar/record/record_codec.h"

#include <gtest/gtest.h>

#include "lib/base/testing/matchers.h"
#include "sidecar/record/answer.h"

namespace postern::record {
namespace {

using base::Bytes;
using base::Code;
using base::HasCode;

const Origin kSender{.member = "gw1.example", .store = {1, 2, 3}, .sequence = 42};

Bytes Encode(const Record& record) {
  std::string bytes;
  AppendRecordHead(record, kSender, bytes);
  bytes += record.body.view();
  return Bytes::Copy(bytes);
}

Record Sample() {
  Record record;
  record.signal = Signal::kTraces;
  record.origin = kSender;
  record.body = Bytes::Copy("opaque");
  return record;
}

TEST(RecordCodec, OwnRecordCostsTwoBytes) {
  const Bytes bytes = Encode(Sample());
  EXPECT_EQ(bytes.size(), 2 + Sample().body.size());
  POSTERN_ASSERT_OK_AND_ASSIGN(const Record back, ParseRecord(bytes, kSender));
  EXPECT_EQ(back, Sample());
}

TEST(RecordCodec, OwnRecordUnderAnotherNumberTellsItsSequenceOnly) {
  Record record = Sample();
  record.origin.sequence = 100'000;
  const Bytes bytes = Encode(record);
  EXPECT_EQ(bytes.size(), 2 + 3 + record.body.size());
  POSTERN_ASSERT_OK_AND_ASSIGN(const Record back, ParseRecord(bytes, kSender));
  EXPECT_EQ(back, record);
}

TEST(RecordCodec, ForeignOriginMetadataAndFlagsComeBack) {
  Record record = Sample();
  record.origin = {.member = "app1.plant.example", .store = {9}, .sequence = 7};
  record.metadata = {{"x-scope-orgid", "tenant-1"}, {"x-empty", ""}};
  record.hops = 3;
  record.possible_repeat = true;
  POSTERN_ASSERT_OK_AND_ASSIGN(const Record back, ParseRecord(Encode(record), kSender));
  EXPECT_EQ(back, record);
}

TEST(RecordCodec, BodyIsNotCopied) {
  const Bytes bytes = Encode(Sample());
  POSTERN_ASSERT_OK_AND_ASSIGN(const Record back, ParseRecord(bytes, kSender));
  EXPECT_EQ(back.body.view().data(), bytes.view().data() + 2);
}

TEST(RecordCodec, EveryCutInTheHeadIsRefused) {
  Record record = Sample();
  record.origin.member = "elsewhere.example";
  record.metadata = {{"x-a", "b"}};
  record.body = {};
  const Bytes whole = Encode(record);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(ParseRecord(whole.Slice(0, size), kSender), HasCode(Code::kCorrupt)) << size;
  }
}

TEST(RecordCodec, RefusesWhatNoRelayWrites) {
  EXPECT_THAT(ParseRecord(Bytes::Copy(std::string("\x03\x00", 2)), kSender),
              HasCode(Code::kCorrupt))
      << "unknown signal";
  EXPECT_THAT(ParseRecord(Bytes::Copy(std::string("\x00\x09", 2)), kSender),
              HasCode(Code::kCorrupt))
      << "nine hops";
  EXPECT_THAT(ParseRecord(Bytes::Copy(std::string("\x08\x00\x21", 3)), kSender),
              HasCode(Code::kCorrupt))
      << "33 headers";
}

TEST(Answer, TellsOurErrorsInTheClientsCodes) {
  const Answer answer = ToAnswer(base::Fail(Code::kExhausted, "queue is full"));
  EXPECT_EQ(answer.code, AnswerCode::kResourceExhausted);
  EXPECT_EQ(answer.message, "queue is full");
  EXPECT_TRUE(Answer().ok());
}

}  // namespace
}  // namespace postern::record
