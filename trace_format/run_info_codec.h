// RunInfo in Cap'n Proto; included only where the schema is.
#pragma once

#include "trace_format/run_info.h"
#include "trace_format/schema.h"

namespace reprise {

void build_run_info(schema::RunInfo::Builder builder, const RunInfo& run);
/// May throw kj::Exception on a bad message. Ranges are checked by run_info_error().
[[nodiscard]] RunInfo read_run_info(schema::RunInfo::Reader reader);

}  // namespace reprise
