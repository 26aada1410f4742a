#include "process_hooks/udp_frame.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

namespace reprise {
namespace {

// Sizes and places: IEEE 802.3, RFC 791 (IPv4), RFC 768 (UDP), RFC 826 (ARP).
constexpr size_t kEthernetHeader = 14;
constexpr size_t kEtherTypeAt = 12;
constexpr size_t kIpHeader = 20;
constexpr size_t kUdpHeader = 8;
constexpr size_t kArpBody = 28;
constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kArp = 0x0806;
constexpr uint8_t kUdp = 17;
constexpr size_t kShortestFrame = 60;

void put16(std::vector<uint8_t>& out, uint32_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

void put32(std::vector<uint8_t>& out, uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

uint16_t get16(ByteView bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

uint32_t get32(ByteView bytes, size_t at) {
  return static_cast<uint32_t>(get16(bytes, at)) << 16 | get16(bytes, at + 2);
}

void put_ethernet_header(std::vector<uint8_t>& out, const MacAddress& from, const MacAddress& to, uint16_t type) {
  out.insert(out.end(), to.begin(), to.end());
  out.insert(out.end(), from.begin(), from.end());
  put16(out, type);
}

/// RFC 1071, over `bytes` and what was summed before.
uint16_t internet_checksum(ByteView bytes, uint32_t sum) {
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    sum += get16(bytes, i);
  }
  sum += bytes.size() % 2 != 0 ? static_cast<uint32_t>(bytes.back()) << 8 : 0;
  while (sum >> 16 != 0) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(~sum);
}

void set16(std::vector<uint8_t>& bytes, size_t at, uint16_t value) {
  bytes[at] = static_cast<uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<uint8_t>(value);
}

}  // namespace

Result<MacAddress> parse_mac(const std::string& text) {
  MacAddress mac{};
  constexpr size_t kLength = 17;
  bool good = text.size() == kLength;
  for (size_t i = 0; good && i < kLength; ++i) {
    const std::string_view digits = "0123456789abcdef";
    const size_t digit = digits.find(text[i]);
    good = i % 3 == 2 ? text[i] == ':' : digit != std::string_view::npos;
    if (good && i % 3 != 2) {
      mac[i / 3] = static_cast<uint8_t>(mac[i / 3] << 4 | digit);
    }
  }
  if (!good) {
    return Error{ErrorKind::kUsage, fmt::format("'{}' is not a MAC address", text)};
  }
  return mac;
}

Result<Ipv4Address> parse_ipv4(const std::string& text) {
  in_addr parsed{};
  if (inet_pton(AF_INET, text.c_str(), &parsed) != 1) {
    return Error{ErrorKind::kUsage, fmt::format("'{}' is not an IPv4 address", text)};
  }
  return Ipv4Address{ntohl(parsed.s_addr)};
}

std::vector<uint8_t> udp_frame(const MacAddress& from, const MacAddress& to, const Datagram& datagram, uint16_t identification) {
  const size_t udp_bytes = kUdpHeader + datagram.payload.size();
  CHECK(kIpHeader + udp_bytes <= 65521);  // with the Ethernet header, what a trace holds
  std::vector<uint8_t> frame;
  put_ethernet_header(frame, from, to, kIpv4);
  put16(frame, 0x4500);
  put16(frame, static_cast<uint32_t>(kIpHeader + udp_bytes));
  put16(frame, identification);
  put16(frame, 0x4000);            // don't fragment
  put16(frame, 64U << 8U | kUdp);  // time to live
  put16(frame, 0);
  put32(frame, datagram.from.address.value);
  put32(frame, datagram.to.address.value);
  const size_t udp = frame.size();
  put16(frame, datagram.from.port);
  put16(frame, datagram.to.port);
  put16(frame, static_cast<uint32_t>(udp_bytes));
  put16(frame, 0);
  frame.insert(frame.end(), datagram.payload.begin(), datagram.payload.end());
  const ByteView bytes(frame);
  set16(frame, kEthernetHeader + 10, internet_checksum(bytes.subspan(kEthernetHeader, kIpHeader), 0));
  uint32_t pseudo_header = kUdp + static_cast<uint32_t>(udp_bytes);
  for (const Ipv4Address address : {datagram.from.address, datagram.to.address}) {
    pseudo_header += (address.value >> 16) + (address.value & 0xffff);
  }
  const uint16_t sum = internet_checksum(bytes.subspan(udp), pseudo_header);
  set16(frame, udp + 6, sum == 0 ? 0xffff : sum);
  return frame;
}

std::optional<Datagram> datagram_in(ByteView frame) {
  if (frame.size() < kEthernetHeader + kIpHeader || get16(frame, kEtherTypeAt) != kIpv4) {
    return std::nullopt;
  }
  const ByteView ip = frame.subspan(kEthernetHeader);
  const size_t header = size_t{4} * (ip[0] & 0xfU);
  const size_t total = get16(ip, 2);
  const bool fragment = (get16(ip, 6) & 0x3fffU) != 0;
  if (ip[0] >> 4 != 4 || header < kIpHeader || total < header + kUdpHeader || total > ip.size() || ip[9] != kUdp || fragment) {
    return std::nullopt;
  }
  const ByteView udp = ip.subspan(header, total - header);
  const size_t udp_bytes = get16(udp, 4);
  if (udp_bytes < kUdpHeader || udp_bytes > udp.size()) {
    return std::nullopt;
  }
  const ByteView payload = udp.subspan(kUdpHeader, udp_bytes - kUdpHeader);
  return Datagram{
      .from = {{get32(ip, 12)}, get16(udp, 0)}, .to = {{get32(ip, 16)}, get16(udp, 2)}, .payload = {payload.begin(), payload.end()}};
}

std::optional<std::vector<uint8_t>> arp_answer(ByteView frame, Ipv4Address address, const MacAddress& mac) {
  if (frame.size() < kEthernetHeader + kArpBody || get16(frame, kEtherTypeAt) != kArp) {
    return std::nullopt;
  }
  const ByteView arp = frame.subspan(kEthernetHeader);
  constexpr uint16_t kEthernet = 1;
  constexpr uint16_t kSizes = 0x0604;
  constexpr uint16_t kRequest = 1;
  if (get16(arp, 0) != kEthernet || get16(arp, 2) != kIpv4 || get16(arp, 4) != kSizes || get16(arp, 6) != kRequest ||
      get32(arp, 24) != address.value) {
    return std::nullopt;
  }
  MacAddress asker{};
  std::copy_n(arp.begin() + 8, asker.size(), asker.begin());
  std::vector<uint8_t> answer;
  put_ethernet_header(answer, mac, asker, kArp);
  put16(answer, kEthernet);
  put16(answer, kIpv4);
  put16(answer, kSizes);
  put16(answer, 2);
  answer.insert(answer.end(), mac.begin(), mac.end());
  put32(answer, address.value);
  answer.insert(answer.end(), asker.begin(), asker.end());
  put32(answer, get32(arp, 14));
  answer.resize(kShortestFrame);
  return answer;
}

}  // namespace reprise
