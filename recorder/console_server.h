// The guests' consoles, for the people who take part in a paced run: what guests print goes to whoever looks on, what is typed waits here
// for the next turn.
//
// A client connects to the socket, says "console NAME\n", and gets one line back: "ok\n", or why not ("error ...\n", then it is closed).
// From then on the bytes that it sends are typed at that console, and what the console prints comes back, beginning with the newest
// kKeptBytes of what it has printed. A client may stop sending and go on looking. Two clients at one console see the same and type in the
// order of arrival.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

/// Never waits for a client, believes none, and holds a bounded number of bytes: who types more than kMostWaiting ahead of the guest is not
/// read, who does not read what a guest prints misses some of it, with a note.
class ConsoleServer {
 public:
  static constexpr size_t kKeptBytes = size_t{64} << 10U;  ///< of what each console printed
  static constexpr size_t kMostWaiting = 4096;             ///< bytes typed at each console
  static constexpr size_t kMostClients = 16;

  struct Console {
    std::string guest;
    bool takes_input = true;  ///< false: a native process, which has no console to type at
  };

  /// Takes over `listening`, a non-blocking socket. Consoles are in GuestIndex order. kRunFailed.
  [[nodiscard]] static Result<std::unique_ptr<ConsoleServer>> create(int listening, std::vector<Console> consoles);
  ~ConsoleServer();
  ConsoleServer(const ConsoleServer&) = delete;
  ConsoleServer& operator=(const ConsoleServer&) = delete;

  /// Readable when serve() has something to do.
  [[nodiscard]] int fd() const { return epoll_; }
  void serve();

  /// At most `most` bytes of what was typed at the guest's console and not taken yet.
  [[nodiscard]] std::vector<uint8_t> take_typed(GuestIndex guest, size_t most);
  void printed(GuestIndex guest, ByteView bytes);
  /// Its clients get what is left, and are closed.
  void ended(GuestIndex guest);

 private:
  /// What a console has printed: the newest of it.
  struct Printed {
    std::string bytes;
    uint64_t begin = 0;  ///< how many bytes were printed before them
    [[nodiscard]] uint64_t end() const { return begin + bytes.size(); }
  };
  struct Guest {
    Console console;
    Printed printed;
    std::string typed;
    bool ended = false;
  };
  struct Client {
    int fd;
    bool greeted = false;  ///< its console is known
    bool writes = true;    ///< may type yet
    bool gone = false;
    bool closing = false;  ///< once it has all of `out`
    GuestIndex guest;
    std::string greeting;
    std::string out;       ///< our own words, before what is printed
    uint64_t shown = 0;    ///< of what its console printed
    uint32_t watched = 0;  ///< what epoll is asked for
  };

  ConsoleServer(int listening, int epoll, std::vector<Console> consoles);
  void accept_clients();
  void read_from(Client& client);
  void take_bytes(Client& client, std::string_view bytes);
  void greet(Client& client);
  void write_to(Client& client);
  void watch(Client& client);
  void settle();
  [[nodiscard]] size_t room(const Client& client) const;

  int listening_;
  int epoll_;
  std::vector<Guest> guests_;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace reprise
