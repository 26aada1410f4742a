#include "recorder/simgrid_network.h"

#include "recorder/simgrid_platform.h"
#include "recorder/simgrid_run.h"

namespace reprise {
namespace {

class SimgridNetwork final : public NetworkModel {
 public:
  explicit SimgridNetwork(std::unique_ptr<SimgridPlatform> platform) : platform_(std::move(platform)) {}

  [[nodiscard]] Duration lookahead() const override { return platform_->lookahead(); }

  [[nodiscard]] PathFacts path_facts(GuestIndex from, GuestIndex to) const override { return platform_->path_facts(from, to); }

  [[nodiscard]] Status simulate(Participants& participants, const Limits& limits) override {
    CHECK(run_ == nullptr);
    run_ = std::make_unique<SimgridRun>(*platform_, participants, limits);
    return run_->run();
  }

 private:
  std::unique_ptr<SimgridRun> run_;  ///< destroyed after the platform, whose engine may call it back until then
  std::unique_ptr<SimgridPlatform> platform_;
};

}  // namespace

Result<std::unique_ptr<NetworkModel>> make_simgrid_network(const std::filesystem::path& platform, const std::vector<Attachment>& guests,
                                                           const std::vector<std::string>& options, const NetworkConditions& conditions) {
  ASSIGN_OR_RETURN(auto loaded, SimgridPlatform::load(platform, guests, options, conditions));
  return std::unique_ptr<NetworkModel>(new SimgridNetwork(std::move(loaded)));
}

}  // namespace reprise
