// How trace_writer.h's streams are made on any sink and log; for this library and its tests.
#pragma once

#include <memory>

#include "trace_format/event_log.h"
#include "trace_format/io.h"
#include "trace_format/trace_writer.h"

namespace reprise {

[[nodiscard]] std::unique_ptr<StreamWriter> make_stream_writer(std::unique_ptr<ByteSink> sink, std::unique_ptr<EventLog> log,
                                                               StreamId stream, const StreamOptions& options = {});

}  // namespace reprise
