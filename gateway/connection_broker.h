// Where a program on the host asks a gateway for a connection to a guest: a Unix socket where the run's others are
// (recorder/live_folder.h).
//
//   program: "172.16.0.10:22\n"
//   gateway:                       "ok\n" with a descriptor (SCM_RIGHTS), or "error WHY\n"
//
// The descriptor is a stream socket whose other end is the guest's TCP port. It is closed when the guest refuses, or does not answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/host_side.h"
#include "launcher/gateway_command.h"
#include "trace_format/status.h"

namespace reprise {

/// Believes nothing that a program says. Holds no bytes of a connection: those go between the program and the TCP/IP stack.
class ConnectionBroker {
 public:
  using Connect = std::function<Result<int>(const GuestPort& to)>;

  /// Listens as `name` in the open folder `folder`, for this user alone.
  [[nodiscard]] static Result<std::unique_ptr<ConnectionBroker>> create(int folder, const std::string& name);
  ~ConnectionBroker();
  ConnectionBroker(const ConnectionBroker&) = delete;
  ConnectionBroker& operator=(const ConnectionBroker&) = delete;

  /// Answers whoever has asked, without waiting for those who have not yet; `output` hears of each connection.
  void serve(const Connect& connect, GatewayOutput& output);

 private:
  struct Client {
    int fd = -1;
    std::string request;
  };

  explicit ConnectionBroker(int listener) : listener_(listener) {}
  void accept_clients();
  [[nodiscard]] static bool answer(Client& client, const Connect& connect, GatewayOutput& output);

  int listener_;
  std::vector<Client> clients_;  ///< who have not asked yet, oldest first
};

/// The program's side: asks over `gateway`, a socket that is connected to one, for a connection, which the caller closes. Waits at most 10
/// s for the answer. kRunFailed with the reason.
[[nodiscard]] Result<int> ask_for_connection(int gateway, const GuestPort& to);

}  // namespace reprise
