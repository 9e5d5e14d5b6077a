#include "sidecar/lane/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "lib/base/crc32c.h"
#include "lib/base/testing/matchers.h"
#include "sidecar/lane/message_reader.h"
#include "sidecar/record/record_codec.h"
#include "sidecar/record/wire.h"

namespace postern::lane {
namespace {

using base::Bytes;
using base::Code;
using base::HasCode;
using base::IsOk;
using base::Result;
using Records = std::vector<UnpackedRecord>;

constexpr std::size_t kAll = 32 << 20;

LaneSender Sender() { return {.host = "gw1.example", .store = {1, 2, 3}}; }

std::string TakeAll(Output& output) {
  std::string wire;
  output.Take(output.size(), wire);
  return wire;
}

// The batches in what a packer wrote, put together from chunks of `chunk`.
std::vector<Batch> BatchesIn(const std::string& wire, std::size_t chunk = std::string::npos) {
  std::vector<Batch> batches;
  MessageReader reader(kAll);
  for (std::size_t at = 0; at < wire.size(); at += std::min(chunk, wire.size())) {
    const base::Status taken =
        reader.Take(std::string_view(wire).substr(at, chunk), [&](Bytes message) -> base::Status {
          ASSIGN_OR_RETURN(const Frame frame, ParseFrame(message));
          batches.push_back(std::get<Batch>(frame));
          return {};
        });
    EXPECT_THAT(taken, IsOk());
  }
  return batches;
}

// Records as relays see them: mostly small and alike, some with headers, from elsewhere, or large.
class RecordMaker {
 public:
  explicit RecordMaker(unsigned seed) : random_(seed) {}

  record::Record Make(std::uint64_t number, std::size_t largest = 20'000) {
    record::Record made;
    made.signal = record::kSignals[random_() % 3];
    made.hops = static_cast<std::uint8_t>(random_() % (record::kMaxHops + 1));
    made.possible_repeat = random_() % 4 == 0;
    made.origin = {.member = Sender().host, .store = Sender().store, .sequence = number};
    if (random_() % 4 == 0) made.origin = {.member = "agent.example", .store = {9}, .sequence = 77};
    for (unsigned i = random_() % 4; i > 2; --i)
      made.metadata.emplace_back("tenant", Text(random_() % 40));
    made.body = Bytes::Copy(Text(random_() % 10 == 0 ? random_() % largest : random_() % 400));
    return made;
  }
  std::string Text(std::size_t size) {
    std::string text;
    while (text.size() < size) text += "severity=" + std::to_string(random_() % 50) + ";";
    text.resize(size);
    return text;
  }
  std::uint64_t Number() { return random_(); }

 private:
  std::mt19937 random_;
};

// Both ends of one lane.
class LaneTest : public testing::Test {
 protected:
  void Open(Batch::Lane lane, std::size_t history = compress::LaneHistory::kMost) {
    packer_.emplace(lane, Sender(), codec_, history);
    unpacker_.emplace(Sender(), codec_, history);
  }
  // Packs `records` as one batch.
  std::string Pack(const Records& records, bool compress) {
    for (const UnpackedRecord& one : records) packer_->Add(one.number, one.lead, one.record);
    Output output;
    packer_->Finish(5, compress, output);
    EXPECT_TRUE(packer_->empty());
    return TakeAll(output);
  }
  // Records for one batch, numbered on from `number`.
  Records MakeSome(Batch::Lane lane, std::uint64_t& number) {
    Records records;
    std::size_t size = 0;
    const std::uint64_t count = 1 + maker_.Number() % 20;
    for (std::uint64_t i = 0; i < count && size < 16 * 1024; ++i, ++number) {
      const bool data = lane == Batch::Lane::kData;
      const std::uint64_t lead = data && i == 0 ? 0 : maker_.Number() % 3;
      if (data) number += lead;
      records.push_back({number, lead, maker_.Make(number)});
      size = std::max(size, records.back().record.body.size());
    }
    return records;
  }

  static void ExpectEqual(const Result<Records>& back, const Records& sent) {
    ASSERT_THAT(back, IsOk());
    ASSERT_EQ(back->size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
      EXPECT_EQ((*back)[i].number, sent[i].number) << i;
      EXPECT_EQ((*back)[i].lead, sent[i].lead) << i;
      EXPECT_TRUE((*back)[i].record == sent[i].record) << i;
    }
  }

  compress::LaneCodec codec_;
  std::optional<BatchPacker> packer_;
  std::optional<BatchUnpacker> unpacker_;
  RecordMaker maker_{17};
};

TEST_F(LaneTest, RecordsComeBackOverAThousandBatches) {
  for (const Batch::Lane lane : {Batch::Lane::kData, Batch::Lane::kLive}) {
    for (const std::size_t history :
         {std::size_t{0}, std::size_t{3'000}, compress::LaneHistory::kMost}) {
      Open(lane, history);
      std::uint64_t number = 1;
      int compressed = 0;
      const int rounds = history == compress::LaneHistory::kMost ? 1'000 : 100;
      for (int i = 0; i < rounds; ++i) {
        const Records sent = MakeSome(lane, number);
        const std::vector<Batch> batches = BatchesIn(Pack(sent, maker_.Number() % 2 == 0));
        ASSERT_EQ(batches.size(), 1U);
        compressed += batches[0].compressed ? 1 : 0;
        EXPECT_EQ(batches[0].lane, lane);
        EXPECT_EQ(batches[0].session, lane == Batch::Lane::kData ? 5U : 0U);
        ExpectEqual(unpacker_->Unpack(batches[0], kAll), sent);
        if (HasFailure()) FAIL() << "batch " << i << ", history " << history;
      }
      EXPECT_GT(compressed, rounds / 4);
      EXPECT_LT(compressed, rounds * 3 / 4);
    }
  }
}

TEST_F(LaneTest, BatchesComeInChunksOfAnySize) {
  Open(Batch::Lane::kData);
  std::uint64_t number = 1;
  const Records one = MakeSome(Batch::Lane::kData, number);
  const Records two = MakeSome(Batch::Lane::kData, number);
  const std::string wire = Pack(one, true) + Pack(two, false);
  for (std::size_t chunk = 1; chunk < wire.size(); chunk += 1 + chunk / 8) {
    unpacker_.emplace(Sender(), codec_, compress::LaneHistory::kMost);
    const std::vector<Batch> batches = BatchesIn(wire, chunk);
    ASSERT_EQ(batches.size(), 2U) << chunk;
    ExpectEqual(unpacker_->Unpack(batches[0], kAll), one);
    ExpectEqual(unpacker_->Unpack(batches[1], kAll), two);
  }
}

TEST_F(LaneTest, HistoryMakesTheNextBatchSmaller) {
  Open(Batch::Lane::kLive);
  const Records some = {{1, 0, maker_.Make(1)}, {2, 0, maker_.Make(2)}, {3, 0, maker_.Make(3)}};
  const std::size_t first = Pack(some, true).size();
  EXPECT_LT(Pack(some, true).size(), first / 2);
}

TEST_F(LaneTest, TextThatDoesNotShrinkGoesAsItIs) {
  Open(Batch::Lane::kLive);
  record::Record noise = maker_.Make(1);
  std::string body(10'000, '\0');
  for (char& byte : body) byte = static_cast<char>(maker_.Number());
  noise.body = Bytes::Copy(body);
  const std::vector<Batch> batches = BatchesIn(Pack({{1, 0, noise}}, true));
  EXPECT_FALSE(batches.at(0).compressed);
  ExpectEqual(unpacker_->Unpack(batches[0], kAll), {{1, 0, noise}});
}

TEST_F(LaneTest, LargeBodyIsSentFromWhereItLies) {
  Open(Batch::Lane::kData);
  record::Record large = maker_.Make(1);
  large.body = Bytes::Copy(maker_.Text(5 << 20));
  packer_->Add(1, 0, maker_.Make(1));
  packer_->Add(2, 0, large);
  EXPECT_TRUE(packer_->full()) << "a large body ends its batch";
  Output output;
  packer_->Finish(5, false, output);
  const std::vector<Batch> batches = BatchesIn(TakeAll(output));
  const auto back = unpacker_->Unpack(batches.at(0), kAll);
  ASSERT_THAT(back, IsOk());
  EXPECT_TRUE(back->at(1).record.body == large.body);
  const std::string_view payload = batches[0].payload.view();
  EXPECT_EQ(back->at(1).record.body.view().data() + large.body.size(),
            payload.data() + payload.size())
      << "nor is it copied when it is taken out";
}

TEST_F(LaneTest, CompressedLargeBodyComesBack) {
  Open(Batch::Lane::kData);
  record::Record large = maker_.Make(1);
  large.body = Bytes::Copy(maker_.Text(1 << 20));
  const std::vector<Batch> batches = BatchesIn(Pack({{1, 0, large}}, true));
  EXPECT_TRUE(batches.at(0).compressed);
  ExpectEqual(unpacker_->Unpack(batches[0], kAll), {{1, 0, large}});
}

TEST_F(LaneTest, BoundIsNeverLessThanTheCost) {
  Open(Batch::Lane::kLive);
  for (int i = 0; i < 2'000; ++i) {
    const record::Record record = maker_.Make(1, 60'000);
    const std::size_t before = packer_->raw_size();
    packer_->Add(~std::uint64_t{0} >> (i % 64), ~std::uint64_t{0} >> (i % 60), record);
    ASSERT_LE(packer_->raw_size() - before, BatchPacker::Bound(record));
    if (record.body.size() < 16 * 1024 && !packer_->full()) continue;
    Output output;
    packer_->Finish(0, false, output);
  }
}

TEST_F(LaneTest, DamageNeverChangesARecord) {
  for (const bool compress : {true, false}) {
    Open(Batch::Lane::kData, 0);
    std::uint64_t number = 1;
    const Records sent = MakeSome(Batch::Lane::kData, number);
    const Batch whole = BatchesIn(Pack(sent, compress)).at(0);
    for (std::size_t at = 0; at < whole.payload.size(); at += 1 + at / 50) {
      std::string damaged(whole.payload.view());
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      Batch batch = whole;
      batch.payload = Bytes::Copy(damaged);
      const Result<Records> back = unpacker_->Unpack(batch, kAll);
      if (back) {  // zstd has bits that mean nothing
        ExpectEqual(back, sent);
      } else {
        EXPECT_THAT(back, HasCode(Code::kCorrupt)) << at;
      }
    }
  }
}

std::string RecordBytes(std::uint64_t lead, std::string_view body) {
  record::Record some;
  some.origin = {.member = Sender().host, .store = Sender().store, .sequence = 1};
  std::string head;
  record::AppendRecordHead(some, some.origin, head);
  std::string bytes;
  record::Writer writer(bytes);
  writer.Number(head.size() + body.size());
  writer.Number(lead);
  writer.Raw(head);
  writer.Raw(body);
  return bytes;
}

Batch Stored(std::uint64_t first, const std::string& payload) {
  return {.lane = Batch::Lane::kData,
          .session = 1,
          .first = first,
          .raw_size = payload.size(),
          .crc = base::Crc32c(payload),
          .payload = Bytes::Copy(payload)};
}

TEST_F(LaneTest, RefusesBatchesThatDoNotHoldWhatTheySay) {
  constexpr std::uint64_t kLast = ~std::uint64_t{0};
  std::string many;
  for (std::size_t i = 0; i <= BatchPacker::kBatchSize / 4; ++i) many += RecordBytes(0, "");
  Batch wrong_sum = Stored(1, RecordBytes(0, "x"));
  wrong_sum.crc ^= 1U;
  Batch larger = Stored(1, RecordBytes(0, "x"));
  larger.raw_size = kAll + 1;
  Batch not_zstd = Stored(1, RecordBytes(0, "x"));
  not_zstd.compressed = true;
  struct Case {
    const char* when;
    Batch batch;
  };
  const Case cases[] = {
      {"no record", Stored(1, "")},
      {"a record that reaches beyond the end", Stored(1, "\x09\x01xx")},
      {"a record of no bytes", Stored(1, std::string("\0\0", 2))},
      {"a size that never ends", Stored(1, std::string(12, '\xff'))},
      {"half a record behind a whole one", Stored(1, RecordBytes(0, "x") + "\x05")},
      {"a number that wraps around", Stored(2, RecordBytes(kLast, "x"))},
      {"numbers beyond the last", Stored(kLast - 1, RecordBytes(0, "x") + RecordBytes(1, "x"))},
      {"more records than a packer makes", Stored(1, many)},
      {"another checksum", wrong_sum},
      {"more than its credit", larger},
      {"plain text that claims to be compressed", not_zstd},
  };
  for (const Case& row : cases) {
    Open(Batch::Lane::kData);
    EXPECT_THAT(unpacker_->Unpack(row.batch, kAll), HasCode(Code::kCorrupt)) << row.when;
  }
  EXPECT_THAT(unpacker_->Unpack(Stored(1, RecordBytes(3, "x")), kAll), IsOk());
}

TEST_F(LaneTest, RefusesABombBeforeItGrows) {
  Open(Batch::Lane::kLive);
  record::Record zeros = maker_.Make(1);
  zeros.body = Bytes::Copy(std::string(8 << 20, '\0'));
  const Batch batch = BatchesIn(Pack({{1, 0, zeros}}, true)).at(0);
  EXPECT_LT(batch.payload.size(), 20'000U);
  EXPECT_THAT(unpacker_->Unpack(batch, 1 << 20), HasCode(Code::kCorrupt));
  Batch understated = batch;
  understated.raw_size = 1'000;
  EXPECT_THAT(unpacker_->Unpack(understated, 1 << 20), HasCode(Code::kCorrupt));
}

}  // namespace
}  // namespace postern::lane
