#include "lib/compress/lane_codec.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace postern::compress {
namespace {

using base::Code;

std::string Hex(std::mt19937_64& random, int digits) {
  std::string text;
  for (int i = 0; i < digits; ++i) text.push_back("0123456789abcdef"[random() % 16]);
  return text;
}

std::string Raw(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// One log record as a small service sends it, about 332 bytes; what differs from record to record
// is the time, the order's number and 13 random bytes in hex digits.
std::string LogRecord(std::mt19937_64& random, int n) {
  std::array<char, 400> text{};
  const int size = std::snprintf(
      text.data(), text.size(),
      "\n\xc9\x02\n\x86\x01\n\x1e\n\x0cservice.name\x12\x0e\n\x0c"
      "checkout-api\n\x22\n\x0fservice.version"
      "\x12\x0f\n\x0d"
      "2024.03.1-rc4\n\x28\n\x13k8s.deployment.name\x12\x11\n\x0f"
      "checkout-api-eu"
      "\x12\xbd\x01\n\x10\n\x0e"
      "checkout.order\x12\xa8\x01\x09%08x\x10\x09\x1a\x04INFO*4\n2order %08d accepted "
      "and passed on to the warehouse "
      "%s2\x21\n\x0bhttp.method\x12\x06\n\x04POST2\x28\n\x0ahttp.route\x12"
      "\x16\n\x14/v1/orders/{id}/items2\x14\n\x10http.status_code\x12\x03\x18\xc8\x01",
      static_cast<unsigned>(n) * 1000003U, n * 17, Hex(random, 26).c_str());
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string LogBatch(std::mt19937_64& random, int records, int& n) {
  std::string batch;
  for (int i = 0; i < records; ++i) batch += LogRecord(random, n++);
  return batch;
}

// Both ends of a lane that passes `plain`; returns the bytes on the wire.
struct Lane {
  explicit Lane(std::size_t limit) : child(limit), parent(limit) {}

  std::size_t Pass(LaneCodec& codec, const std::string& plain) {
    std::string wire = "header";
    const std::size_t size = codec.Compress(child, plain, wire);
    EXPECT_EQ(wire.size(), 6 + size);
    if (size > 0) {
      std::string out(plain.size(), '?');
      const auto status = codec.Decompress(parent, wire.substr(6), plain.size(), out.data());
      EXPECT_TRUE(status) << status.error();
      EXPECT_EQ(out, plain);
    }
    child.Append(plain);
    parent.Append(plain);
    return size > 0 ? size : plain.size();
  }

  LaneHistory child;
  LaneHistory parent;
};

double WireBytesPerRecord(std::size_t history, int in_a_batch, double& plain_bytes) {
  LaneCodec codec;
  Lane lane(history);
  std::mt19937_64 random(42);
  int n = 0;
  for (int warm = 0; warm < 200; ++warm) lane.Pass(codec, LogBatch(random, 1, n));
  const int start = n;
  std::size_t wire = 0;
  plain_bytes = 0;
  while (n < start + 1000) {
    const std::string batch = LogBatch(random, in_a_batch, n);
    plain_bytes += static_cast<double>(batch.size()) / 1000;
    wire += lane.Pass(codec, batch);
  }
  return static_cast<double>(wire) / 1000;
}

TEST(LaneCodec, ReturnsEveryBatchWhateverWentBefore) {
  LaneCodec codec;  // one for all lanes, as a thread has it
  std::mt19937_64 random(1);
  std::vector<Lane> lanes;
  for (const std::size_t limit : {0UL, 5UL, 700UL, 5000UL, LaneHistory::kMost}) {
    lanes.emplace_back(limit);
  }
  int n = 0;
  for (int batch = 0; batch < 2000; ++batch) {
    Lane& lane = lanes[random() % lanes.size()];
    switch (random() % 6) {
      case 0: lane.Pass(codec, Raw(random, random() % 2000)); break;
      case 1: lane.Pass(codec, std::string(random() % 100'000, 'x')); break;
      case 2: lane.Pass(codec, LogBatch(random, 300, n)); break;
      case 3:
        if (random() % 20 == 0) {
          lane.child.Release();
          lane.parent.Release();
        }
        break;
      default: lane.Pass(codec, LogBatch(random, 1 + static_cast<int>(random() % 20), n));
    }
  }
}

TEST(LaneCodec, PassesABatchOfTheLargestRecord) {
  LaneCodec codec;
  Lane lane(LaneHistory::kMost);
  std::mt19937_64 random(5);
  int n = 0;
  const std::string batch = LogBatch(random, 50'000, n);
  ASSERT_GT(batch.size(), 15'000'000U);
  EXPECT_LT(lane.Pass(codec, batch), batch.size() / 5);
  EXPECT_LT(codec.bytes(), std::size_t{1024} * 1024);
}

TEST(LaneCodec, MakesRecordsThatResembleOthersSmall) {
  const struct {
    int in_a_batch;
    double most;
  } kCases[] = {{1, 80}, {10, 45}, {100, 35}};
  for (const auto& c : kCases) {
    double plain = 0;
    const double wire = WireBytesPerRecord(LaneHistory::kMost, c.in_a_batch, plain);
    const double alone = WireBytesPerRecord(0, c.in_a_batch, plain);
    std::printf("%3d in a batch: %.0f B plain, %.1f B alone, %.1f B with history\n", c.in_a_batch,
                plain, alone, wire);
    EXPECT_NEAR(plain, 332, 10);
    EXPECT_LT(wire, c.most) << c.in_a_batch << " in a batch";
    EXPECT_LT(wire, alone) << c.in_a_batch << " in a batch";
  }
}

TEST(LaneCodec, AppendsNothingWhereItGainsNothing) {
  LaneCodec codec;
  std::mt19937_64 random(3);
  std::string out = "kept";
  EXPECT_EQ(codec.Compress(LaneHistory(), Raw(random, 1000), out), 0U);
  EXPECT_EQ(codec.Compress(LaneHistory(), "x", out), 0U);
  EXPECT_EQ(codec.Compress(LaneHistory(), "", out), 0U);
  EXPECT_EQ(out, "kept");
}

TEST(LaneCodec, TakesAHistoryThatLooksLikeADictionaryAsText) {
  LaneCodec codec;
  Lane lane(LaneHistory::kMost);
  std::mt19937_64 random(4);
  lane.Pass(codec, "\x37\xA4\x30\xEC" + Raw(random, 500));  // the magic number of one
  int n = 0;
  lane.Pass(codec, LogBatch(random, 3, n));
}

TEST(LaneCodec, RefusesAFrameThatDoesNotGiveExactlyTheRawSize) {
  LaneCodec codec;
  std::mt19937_64 random(6);
  int n = 0;
  const std::string plain = LogBatch(random, 10, n);
  std::string frame;
  ASSERT_GT(codec.Compress(LaneHistory(), plain, frame), 0U);
  const struct {
    const char* when;
    std::string frame;
    std::size_t raw_size;
  } kCases[] = {
      {"one byte more was announced", frame, plain.size() + 1},
      {"one byte less was announced", frame, plain.size() - 1},
      {"nothing was announced", frame, 0},
      {"the frame is empty", "", plain.size()},
      {"the frame is cut", frame.substr(0, frame.size() - 1), plain.size()},
      {"bytes follow the frame", frame + "xyz", plain.size()},
      {"it is not zstd", plain, plain.size()},
      {"it has zstd's magic number", "\x28\xB5\x2F\xFD" + frame, plain.size()},
  };
  for (const auto& c : kCases) {
    std::string out(plain.size() + 1, '\0');
    const auto status = codec.Decompress(LaneHistory(), c.frame, c.raw_size, out.data());
    ASSERT_FALSE(status) << c.when;
    EXPECT_EQ(status.error().code(), Code::kCorrupt) << c.when;
  }
  std::string out(plain.size(), '\0');
  EXPECT_TRUE(codec.Decompress(LaneHistory(), frame, plain.size(), out.data()));
  EXPECT_EQ(out, plain) << "the codec goes on after failures";
}

}  // namespace
}  // namespace postern::compress
