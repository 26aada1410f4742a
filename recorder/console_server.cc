#include "recorder/console_server.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

constexpr std::string_view kGreeting = "console ";
constexpr size_t kLongestGreeting = 300;
constexpr std::string_view kLeftOut = "\r\n[reprise: some output is left out here]\r\n";

}  // namespace

ConsoleServer::ConsoleServer(int listening, int epoll, std::vector<Console> consoles) : listening_(listening), epoll_(epoll) {
  for (Console& console : consoles) {
    guests_.push_back({.console = std::move(console), .printed = {}, .typed = {}});
  }
}

Result<std::unique_ptr<ConsoleServer>> ConsoleServer::create(int listening, std::vector<Console> consoles) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::unique_ptr<ConsoleServer> server(new ConsoleServer(listening, epoll, std::move(consoles)));
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &event) != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("cannot wait for consoles: {}", std::strerror(errno))};
  }
  return server;
}

ConsoleServer::~ConsoleServer() {
  for (const auto& client : clients_) {
    close(client->fd);
  }
  if (epoll_ >= 0) {
    close(epoll_);
  }
  close(listening_);
}

void ConsoleServer::serve() {
  std::array<epoll_event, kMostClients + 1> events{};
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  bool knocked = false;
  for (int i = 0; i < count; ++i) {
    if (events[static_cast<size_t>(i)].data.ptr == nullptr) {
      knocked = true;
      continue;
    }
    Client& client = *static_cast<Client*>(events[static_cast<size_t>(i)].data.ptr);
    const uint32_t happened = events[static_cast<size_t>(i)].events;
    if ((happened & EPOLLIN) != 0) {
      read_from(client);
    } else if ((happened & (EPOLLHUP | EPOLLERR)) != 0) {
      client.gone = true;
    }
    write_to(client);
  }
  settle();
  if (knocked) {
    accept_clients();
  }
}

void ConsoleServer::accept_clients() {
  for (;;) {
    const int fd = accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    clients_.push_back(std::make_unique<Client>(Client{.fd = fd}));
    Client& client = *clients_.back();
    if (clients_.size() > kMostClients) {
      client.out = fmt::format("error {} consoles are open, which is the most\n", kMostClients);
      client.closing = true;
    }
    epoll_event event{.events = 0, .data = {.ptr = &client}};
    client.gone = epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0;
    write_to(client);
    watch(client);
    settle();
  }
}

/// How much of what a client sends can be taken now.
size_t ConsoleServer::room(const Client& client) const {
  if (client.gone || client.closing || !client.writes) {
    return 0;
  }
  if (!client.greeted) {
    return kLongestGreeting - client.greeting.size();
  }
  // The first keys come with a greeting: a few more than may wait.
  const size_t waiting = guests_[client.guest.value].typed.size();
  return waiting < kMostWaiting ? kMostWaiting - waiting : 0;
}

void ConsoleServer::read_from(Client& client) {
  std::array<char, kMostWaiting> buffer;
  while (const size_t most = room(client)) {
    const ssize_t n = recv(client.fd, buffer.data(), std::min(most, buffer.size()), 0);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      client.gone = errno != EAGAIN;
      return;
    }
    if (n == 0) {
      client.writes = false;
      client.gone = !client.greeted;
      return;
    }
    take_bytes(client, {buffer.data(), static_cast<size_t>(n)});
  }
}

void ConsoleServer::take_bytes(Client& client, std::string_view bytes) {
  if (!client.greeted) {
    client.greeting += bytes;
    greet(client);
    return;
  }
  Guest& guest = guests_[client.guest.value];
  if (guest.console.takes_input && !guest.ended) {
    guest.typed += bytes;
  }
}

/// The greeting may have come with the first bytes that are typed.
void ConsoleServer::greet(Client& client) {
  const size_t end = client.greeting.find('\n');
  if (end == std::string::npos && client.greeting.size() < kLongestGreeting) {
    return;
  }
  client.closing = true;
  if (end == std::string::npos || !client.greeting.starts_with(kGreeting)) {
    client.out = "error this is no console of this release of Reprise\n";
    return;
  }
  const std::string name = client.greeting.substr(kGreeting.size(), end - kGreeting.size());
  const auto guest = std::find_if(guests_.begin(), guests_.end(), [&](const Guest& g) { return g.console.guest == name; });
  if (guest == guests_.end()) {
    client.out = fmt::format("error no guest '{}' in this run; it has", printable(name));
    for (const Guest& each : guests_) {
      client.out += " " + printable(each.console.guest);
    }
    client.out += "\n";
    return;
  }
  if (!guest->console.takes_input) {
    client.out = fmt::format("error guest '{}' is a native process, which has no console; 'reprise dump --follow' shows what it writes\n",
                             printable(name));
    return;
  }
  client.closing = false;
  client.greeted = true;
  client.guest.value = static_cast<uint32_t>(guest - guests_.begin());
  client.out = "ok\n";
  client.shown = guest->printed.begin;
  const std::string typed = client.greeting.substr(end + 1);
  client.greeting.clear();
  take_bytes(client, typed);
}

void ConsoleServer::write_to(Client& client) {
  while (!client.gone) {
    std::string_view next = client.out;
    if (next.empty() && client.greeted) {
      const Printed& printed = guests_[client.guest.value].printed;
      if (client.shown < printed.begin) {
        client.shown = printed.begin;
        client.out = kLeftOut;
        continue;
      }
      next = std::string_view(printed.bytes).substr(client.shown - printed.begin);
    }
    if (next.empty()) {
      client.gone = client.closing || (client.greeted && guests_[client.guest.value].ended);
      return;
    }
    const ssize_t n = send(client.fd, next.data(), next.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      client.gone = errno != EAGAIN;
      return;
    }
    if (client.out.empty()) {
      client.shown += static_cast<uint64_t>(n);
    } else {
      client.out.erase(0, static_cast<size_t>(n));
    }
  }
}

/// Asks for what can be done for the client now: a socket that is full is not written to, one whose bytes have no room is not read.
void ConsoleServer::watch(Client& client) {
  const bool unsent = !client.out.empty() || (client.greeted && client.shown < guests_[client.guest.value].printed.end());
  const uint32_t wanted = (room(client) != 0 ? uint32_t{EPOLLIN} : 0U) | (unsent ? uint32_t{EPOLLOUT} : 0U);
  if (client.gone || wanted == client.watched) {
    return;
  }
  epoll_event event{.events = wanted, .data = {.ptr = &client}};
  client.gone = epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event) != 0;
  client.watched = wanted;
}

void ConsoleServer::settle() {
  for (const auto& client : clients_) {
    watch(*client);
  }
  std::erase_if(clients_, [](const std::unique_ptr<Client>& client) {
    if (client->gone) {
      close(client->fd);  // and epoll forgets it
    }
    return client->gone;
  });
}

std::vector<uint8_t> ConsoleServer::take_typed(GuestIndex guest, size_t most) {
  std::string& typed = guests_[guest.value].typed;
  const auto end = typed.begin() + static_cast<ptrdiff_t>(std::min(most, typed.size()));
  std::vector<uint8_t> taken(typed.begin(), end);
  if (!taken.empty()) {
    typed.erase(typed.begin(), end);
    settle();
  }
  return taken;
}

void ConsoleServer::printed(GuestIndex guest, ByteView bytes) {
  Printed& printed = guests_[guest.value].printed;
  printed.bytes.append(bytes.begin(), bytes.end());
  for (const auto& client : clients_) {
    if (client->greeted && client->guest == guest) {
      write_to(*client);
    }
  }
  // Cut seldom, or each byte would move all others.
  if (printed.bytes.size() > 2 * kKeptBytes) {
    const size_t cut = printed.bytes.size() - kKeptBytes;
    printed.bytes.erase(0, cut);
    printed.begin += cut;
  }
  settle();
}

void ConsoleServer::ended(GuestIndex guest) {
  guests_[guest.value].ended = true;
  guests_[guest.value].typed.clear();
  for (const auto& client : clients_) {
    write_to(*client);
  }
  settle();
}

}  // namespace reprise
