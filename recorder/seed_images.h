// Cloud-init's NoCloud seeds as images that a guest can be given.
#pragma once

#include <filesystem>
#include <vector>

#include "recorder/deployment.h"
#include "trace_format/status.h"

namespace reprise {

/// Makes `folder`/NAME.iso for each guest that has a seed, and puts it in the seed's place: of a folder, an ISO 9660 image (volume
/// "cidata", names by Joliet) with its files; of an image, a copy; both filled up to a multiple of kImageGrain. The same files give the
/// same bytes at any time. `folder` is made when it is needed; images of an earlier run in it are replaced. kUsage when a seed is not one,
/// kMachine when genisoimage or faketime is missing, kRunFailed when `folder` cannot be written.
[[nodiscard]] Status make_seed_images(Deployment& deployment, const std::filesystem::path& folder);

}  // namespace reprise
