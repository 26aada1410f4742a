// A user's text in an error message.
#pragma once

#include <string>
#include <string_view>

namespace reprise {

/// `text` as a message may quote it: one line, nothing that a terminal would act on, and cut after 100 bytes. What is wrong with a longer
/// one shows at its start.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace reprise
