#include "qemu_hooks/make_session.h"

#include "qemu_hooks/live_session.h"
#include "qemu_hooks/replay_session.h"

namespace reprise {
namespace {

Result<std::unique_ptr<GuestSession>> make_live_session(const PluginArgs& args, ConsoleLog console, const std::string& build_id) {
  std::unique_ptr<StreamWriter> writer;
  if (!args.stream_folder.empty()) {
    const StreamOptions options{.durable = args.durable, .recipients = args.recipients};
    ASSIGN_OR_RETURN(writer, create_stream(args.stream_folder, StreamId::guest(args.guest), options));
  }
  auto session = std::make_unique<LiveSession>(GuestChannel(args.channel), std::move(writer), std::move(console), args.show_console);
  RETURN_IF_ERROR(session->introduce(build_id));
  return std::unique_ptr<GuestSession>(std::move(session));
}

}  // namespace

Result<std::unique_ptr<GuestSession>> make_session(const PluginArgs& args, const std::string& build_id) {
  ConsoleLog console;
  if (!args.console.empty()) {
    ASSIGN_OR_RETURN(console, ConsoleLog::create(args.console));
  }
  if (args.mode == PluginArgs::Mode::kLive) {
    return make_live_session(args, std::move(console), build_id);
  }
  return ReplaySession::create(args.trace, args.guest, args.channel, std::move(console), args.identities);
}

}  // namespace reprise
