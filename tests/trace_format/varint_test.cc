// Varints: one by one, added up, and turned on their side.
#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <vector>

#include "trace_format/byte_codec.h"
#include "trace_format/varint_planes.h"

namespace reprise {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes varints_of(const std::vector<uint64_t>& values) {
  Bytes bytes;
  for (const uint64_t value : values) {
    put_varint(bytes, value);
  }
  return bytes;
}

// Of one byte, of two, of three, of any: what a word of eight bytes can hold in every place.
std::vector<std::vector<uint64_t>> kinds_of_values() {
  std::mt19937_64 random(1);
  std::vector<std::vector<uint64_t>> kinds;
  for (const uint64_t below : {uint64_t{128}, uint64_t{1} << 9, uint64_t{1} << 14, uint64_t{1} << 15, uint64_t{1} << 40}) {
    std::vector<uint64_t> values(300);
    for (uint64_t& value : values) {
      value = random() % below;
    }
    kinds.push_back(std::move(values));
  }
  return kinds;
}

TEST(Varint, IsReadAsWrittenAndShortest) {
  for (unsigned shift = 0; shift < 64; ++shift) {
    for (const uint64_t value : {uint64_t{1} << shift, (uint64_t{1} << shift) - 1, ~uint64_t{0} << shift}) {
      Bytes bytes;
      const size_t size = put_varint(bytes, value);
      EXPECT_EQ(size, bytes.size());
      ColumnReader reader{ByteView(bytes)};
      EXPECT_EQ(reader.varint(), value);
      EXPECT_TRUE(reader.empty() && !reader.failed());
    }
  }
}

TEST(Varint, RefusesWhatAWriterDoesNotWrite) {
  const Bytes too_long(11, 0x80);
  const std::vector<Bytes> bad = {{},
                                  {0x80},                                                              // cut off
                                  {0x80, 0x00},                                                        // 0 in two bytes
                                  {0xff, 0x80, 0x00},                                                  // 127 in three
                                  {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},        // 65 bits
                                  {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},  // 11 bytes
                                  too_long};
  for (const Bytes& bytes : bad) {
    ColumnReader reader{ByteView(bytes)};
    EXPECT_EQ(reader.varint(), 0u);
    EXPECT_TRUE(reader.failed());
  }
}

TEST(Zigzag, MapsSmallDifferencesToSmallNumbers) {
  EXPECT_EQ(zigzag(0), 0u);
  EXPECT_EQ(zigzag(static_cast<uint64_t>(-1)), 1u);
  EXPECT_EQ(zigzag(1), 2u);
  for (const uint64_t d : {uint64_t{0}, ~uint64_t{0}, uint64_t{1} << 63, uint64_t{12345}}) {
    EXPECT_EQ(unzigzag(zigzag(d)), d);
  }
}

TEST(VarintSum, IsThatOfTheValues) {
  for (const std::vector<uint64_t>& values : kinds_of_values()) {
    const Bytes bytes = varints_of(values);
    for (size_t begin = 0; begin < 20; ++begin) {
      for (size_t end = begin; end < values.size(); ++end) {
        ColumnReader reader{ByteView(bytes)};
        for (size_t i = 0; i < begin; ++i) {
          (void)reader.varint();
        }
        const uint64_t want = std::accumulate(values.begin() + begin, values.begin() + end, uint64_t{0});
        uint64_t sum = 0;
        ASSERT_TRUE(reader.add_varints(end - begin, want, sum));
        ASSERT_EQ(sum, want);
        ASSERT_EQ(reader.varint(), values[end]) << "after values " << begin << " to " << end;
      }
    }
  }
}

TEST(VarintSum, StopsAtItsLimit) {
  for (const std::vector<uint64_t>& values : kinds_of_values()) {
    const Bytes bytes = varints_of(values);
    const uint64_t want = std::accumulate(values.begin(), values.end(), uint64_t{0});
    uint64_t sum = 0;
    EXPECT_TRUE(ColumnReader{ByteView(bytes)}.add_varints(values.size(), want, sum));
    EXPECT_FALSE(ColumnReader{ByteView(bytes)}.add_varints(values.size(), want - 1, sum));
    EXPECT_FALSE(ColumnReader{ByteView(bytes)}.add_varints(values.size() + 1, ~uint64_t{0}, sum)) << "more than there are";
  }
  const Bytes largest = varints_of({~uint64_t{0}, 1});
  uint64_t sum = 0;
  EXPECT_FALSE(ColumnReader{ByteView(largest)}.add_varints(2, ~uint64_t{0}, sum)) << "it does not overflow";
}

// In every place of a word.
TEST(VarintSum, RefusesWhatAWriterDoesNotWrite) {
  for (size_t place = 0; place < 24; ++place) {
    Bytes bytes(24, 1);
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(place), {0x80, 0x00});
    uint64_t sum = 0;
    EXPECT_FALSE(ColumnReader{ByteView(bytes)}.add_varints(25, 1000, sum)) << "0 in two bytes at byte " << place;
  }
}

TEST(VarintPlanes, AreJoinedToWhatWasSplit) {
  for (const std::vector<uint64_t>& values : kinds_of_values()) {
    for (size_t count = 0; count <= values.size(); ++count) {
      const Bytes varints = varints_of({values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count)});
      Bytes planes;
      std::vector<size_t> sizes;
      ASSERT_TRUE(split_varints(varints, planes, sizes));
      Bytes joined(varints.size());
      ASSERT_TRUE(join_varints(planes, count, joined));
      ASSERT_EQ(joined, varints);
    }
  }
}

TEST(VarintPlanes, RefusePlanesOfOtherSizesThanTheyAnnounce) {
  Bytes planes;
  std::vector<size_t> sizes;
  ASSERT_TRUE(split_varints(varints_of(kinds_of_values()[2]), planes, sizes));
  Bytes joined(planes.size());
  EXPECT_TRUE(join_varints(planes, sizes[0], joined));
  EXPECT_FALSE(join_varints(planes, sizes[0] - 1, joined));
  EXPECT_FALSE(join_varints(planes, sizes[0] + 1, joined));
  planes[0] ^= 0x80;
  EXPECT_FALSE(join_varints(planes, sizes[0], joined));
}

}  // namespace
}  // namespace reprise
