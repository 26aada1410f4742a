#include "trace_format/event.h"

#include <array>

namespace reprise {
namespace {

template <size_t n>
std::string_view name_of(const std::array<std::string_view, n>& names, uint8_t number) {
  return number < n ? names[number] : std::string_view("unknown");
}

}  // namespace

std::string_view clock_source_name(ClockSource source) {
  static constexpr std::array<std::string_view, kClockSourceCount> kNames = {"tsc", "hpet", "pit", "rtc", "acpi_pm", "lapic", "process"};
  return name_of(kNames, static_cast<uint8_t>(source));
}

std::string_view end_reason_name(EndReason reason) {
  static constexpr std::array<std::string_view, 9> kNames = {"power-off", "reset",   "triple fault", "halt", "until",
                                                             "aborted",   "trimmed", "exit",         "crash"};
  return name_of(kNames, static_cast<uint8_t>(reason));
}

std::string_view drop_reason_name(DropReason reason) {
  static constexpr std::array<std::string_view, kDropReasonCount> kNames = {"host down", "link down", "failed in flight", "receiver ended",
                                                                            "loss"};
  return name_of(kNames, static_cast<uint8_t>(reason));
}

}  // namespace reprise
