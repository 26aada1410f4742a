// Both public headers as a C++ program includes them, TANSIV's way.
#include <gtest/gtest.h>

extern "C" {
#include <tansiv-client.h>
}
#include <reprise_client.h>

#include <cerrno>

namespace {

TEST(ClientHeaders, NothingIsThereWithoutReprise) {
  reprise_client* client = nullptr;
  unsetenv("REPRISE_CLIENT_SOCKET");
  EXPECT_EQ(reprise_start(nullptr, &client), -ENOENT);
  EXPECT_EQ(reprise_start("fd:3", &client), -EBADF);
  EXPECT_EQ(reprise_now(nullptr, nullptr), -EINVAL);
  EXPECT_EQ(vsg_poll(nullptr), EINVAL);
  EXPECT_EQ(vsg_start(nullptr, nullptr), EINVAL);
  vsg_cleanup(nullptr);
}

}  // namespace
