#include "replayer/carried_images.h"

#include <set>
#include <string>

#include "launcher/guest_machine.h"
#include "trace_format/embedded_image.h"

namespace reprise {

Result<CarriedImages> CarriedImages::extract(const TraceReader& trace, const std::vector<GuestIndex>& guests, bool in_memory) {
  CarriedImages images;
  std::set<std::string> extracted;
  for (const GuestIndex guest : guests) {
    for (const ImageInfo& image : trace.run().guests[guest.value].images) {
      if (image.role != kSeedRole || !extracted.insert(image.sha256).second) {
        continue;
      }
      if (!images.folder_.has_value()) {
        ASSIGN_OR_RETURN(PrivateFolder folder, PrivateFolder::create(in_memory));
        images.folder_.emplace(std::move(folder));
      }
      // Whether it was there is seen when it is opened.
      ASSIGN_OR_RETURN([[maybe_unused]] const bool found, extract_image(trace, image.sha256, images.path_of(image)));
    }
  }
  return images;
}

std::filesystem::path CarriedImages::path_of(const ImageInfo& image) const {
  return folder_.has_value() ? folder_->path() / (image.sha256 + ".iso") : std::filesystem::path();
}

}  // namespace reprise
