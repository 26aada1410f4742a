#include "trace_format/event_text.h"

#include <gtest/gtest.h>

#include "tests/analysis/synthetic_trace.h"

namespace reprise::testing {
namespace {

TEST(EventText, EscapesWhatATerminalWouldActOn) {
  EXPECT_EQ(printable("alice-1.example"), "alice-1.example");
  EXPECT_EQ(printable("a\x1b[31m\n\x7f"), "a\\x1b[31m\\x0a\\x7f");
  EXPECT_EQ(printable("Jos\xc3\xa9"), "Jos\xc3\xa9");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m\xc2"),
            "\\xc2\\x9b31m\xc2");
}

TEST(EventText, NamesAGuestThatIsNotThereByItsNumber) {
  EXPECT_EQ(guest_text(ping_script().run, GuestIndex{1}), "bob");
  EXPECT_EQ(guest_text(ping_script().run, GuestIndex{2}), "guest-2");
}

TEST(EventText, EscapesNames) {
  Script script = ping_script();
  script.run.guests[0].name = "a\xc2\x9b";
  script.run.guests[1].name = "b\n";
  EXPECT_EQ(guest_text(script.run, GuestIndex{0}), "a\\xc2\\x9b");
  EXPECT_EQ(guest_text(script.run, GuestIndex{1}), "b\\x0a");
}

TEST(EventText, LeavesTheHeaderOfAShortFrameOut) {
  const std::vector<uint8_t> payload(13, 0xab);
  GuestEvent event;
  event.kind = EventKind::kFrameSent;
  event.payload = payload;
  std::string line;
  append_event_text(line, ping_script().run, GuestIndex{0}, event, PayloadText::kHex);
  EXPECT_EQ(line, "0 alice frame #0 sent alice/0 13 bytes ababababababababababababab");
}

TEST(EventText, WritesBytes) {
  EXPECT_EQ(byte_text('A'), "0x41 'A'");
  EXPECT_EQ(byte_text('\n'), "0x0a '\\n'");
  EXPECT_EQ(byte_text(0xff), "0xff");
}

TEST(EventText, WritesSecondsWithAllDigits) {
  EXPECT_EQ(seconds_text(VirtualTime{10'726'155'164}), "10.726155164");
  EXPECT_EQ(seconds_text(VirtualTime{5}), "0.000000005");
}

}  // namespace
}  // namespace reprise::testing
