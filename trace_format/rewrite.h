// A trace changed event by event: how tests make the one difference that diff and replay must name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "trace_format/event.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"
#include "trace_format/trace_writer.h"

namespace reprise {

/// May change times (each guest's must stay in order), sources, values, bytes, reasons, and through `payload` the bytes of a sent frame
/// (empty span for all other kinds; a received frame's payload is its sender's). Changes to kind, sequence, sender_frame of a sent frame
/// and `event.payload` itself are ignored; `sender` and `sender_frame` of a received frame must name a frame of the same size.
using EventEdit = std::function<void(GuestIndex guest, GuestEvent& event, std::span<uint8_t> payload)>;

/// Writes `trace` to `output` with each guest event passed through `edit`. Network events and provenance are copied. Works in the folder
/// `output`.rewriting, which must not exist.
[[nodiscard]] Status rewrite_trace(TraceReader& trace, const std::filesystem::path& output, const EventEdit& edit,
                                   const StreamOptions& options = {});

}  // namespace reprise
