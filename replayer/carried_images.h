// The images that a trace carries, as files that guests can be started from.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "launcher/private_folder.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"

namespace reprise {

class CarriedImages {
 public:
  /// Takes those of the guests' seeds out of the trace. `in_memory`: not onto the disk, if that can be. kBadTrace when one is damaged.
  [[nodiscard]] static Result<CarriedImages> extract(const TraceReader& trace, const std::vector<GuestIndex>& guests, bool in_memory);

  /// Where the image is, or would be if the trace carried it. Valid while this lives.
  [[nodiscard]] std::filesystem::path path_of(const ImageInfo& image) const;

 private:
  std::optional<PrivateFolder> folder_;  ///< none when no guest has a seed
};

}  // namespace reprise
