// What only a forger writes into a column: frames and planes that are not what they say.
#include <gtest/gtest.h>

#include <random>
#include <span>
#include <string>
#include <vector>

#include "trace_format/byte_codec.h"
#include "trace_format/columns.h"
#include "trace_format/compression.h"
#include "trace_format/limits.h"

namespace reprise {
namespace {

/// What unpack_column() says of `packed`, with room for `room` bytes.
std::string column_refusal(const std::vector<uint8_t>& packed, size_t room) {
  std::vector<uint8_t> memory(room);
  std::span<uint8_t> left(memory);
  const auto column = Decompressor().unpack_column(packed, left);
  return column.ok() ? "" : column.error().message;
}

TEST(ColumnLimits, AZstdFrameMustBeOneAndFit) {
  std::vector<uint8_t> packed;
  Compressor().pack_column(std::vector<uint8_t>(1000, 'a'), ColumnContent::kBytes, packed);
  ASSERT_EQ(packed[0], static_cast<uint8_t>(ColumnCodec::kZstd));
  EXPECT_EQ(column_refusal(packed, 1000), "");
  EXPECT_NE(column_refusal(packed, 999).find("more than the 999 bytes that were announced"), std::string::npos);
  // A second frame behind the first, which zstd would go on with.
  auto two = packed;
  Compressor().compress({}, two);
  EXPECT_NE(column_refusal(two, 1000).find("not exactly one zstd frame"), std::string::npos);
  two.resize(packed.size() - 1);
  EXPECT_NE(column_refusal(two, 1000).find("not exactly one zstd frame"), std::string::npos);
}

// 64 MiB of zeros in a few KB: refused by what its frame says, before any of it is there.
TEST(ColumnLimits, ABombIsRefused) {
  std::vector<uint8_t> bomb = {static_cast<uint8_t>(ColumnCodec::kZstd)};
  Compressor().compress(std::vector<uint8_t>(size_t{64} << 20, 0), bomb);
  EXPECT_LT(bomb.size(), 10'000U);
  EXPECT_NE(column_refusal(bomb, kMaxChunkRawBytes).find("more than the 1048576 bytes"), std::string::npos);
}

TEST(ColumnLimits, AnUnknownWayOfStoringIsNamed) {
  EXPECT_NE(column_refusal({3, 0}, 10).find("stored in a way (number 3)"), std::string::npos);
}

TEST(ColumnLimits, PlanesMustBeThoseOfVarints) {
  std::vector<uint8_t> varints;
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    put_varint(varints, random() % 1000);
  }
  std::vector<uint8_t> packed;
  Compressor().pack_column(varints, ColumnContent::kVarints, packed);
  ASSERT_EQ(packed[0], static_cast<uint8_t>(ColumnCodec::kVarintPlanes));
  EXPECT_EQ(column_refusal(packed, varints.size()), "");
  ASSERT_EQ(packed[1], 0xe8);  // 1000 is e8 07
  for (const uint8_t count : {uint8_t{0xe7}, uint8_t{0xe9}}) {
    packed[1] = count;
    EXPECT_NE(column_refusal(packed, varints.size()).find("planes are not those of its varints"), std::string::npos);
  }
}

}  // namespace
}  // namespace reprise
