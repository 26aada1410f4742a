#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

#include "trace_format/encrypted_io.h"
#include "trace_format/join.h"
#include "trace_format/kept_chunks.h"
#include "trace_format/recovered_stream.h"
#include "trace_format/run_info_file.h"
#include "trace_format/stream_file.h"
#include "trace_format/stream_recovery.h"
#include "trace_format/trace_writer.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

KeptFrames frames_of(const std::vector<KeptGuest>& kept) {
  KeptFrames frames;
  for (const KeptGuest& guest : kept) {
    frames.push_back(guest.frames_sent);
  }
  return frames;
}

bool needs_more_than(const KeptGuest& guest, const KeptFrames& frames) {
  return std::any_of(guest.needs.begin(), guest.needs.end(), [&](const auto& need) { return need.second > frames[need.first]; });
}

/// What is kept of each guest: all that is left, but no reception of a frame that is not kept itself. A frame was in its sender's log
/// before its receiver could have it, so only damage or a power failure takes one away; then its reception goes, and what the receiver sent
/// after it, and so on.
std::vector<KeptGuest> keep_guests(const KilledRun& run, size_t guests) {
  std::vector<KeptGuest> kept;
  const KeptFrames any(guests, std::numeric_limits<uint64_t>::max());
  for (uint32_t i = 0; i < guests; ++i) {
    kept.push_back(keep_guest(run, GuestIndex{i}, any));
  }
  for (bool changed = true; changed;) {
    changed = false;
    const KeptFrames frames = frames_of(kept);
    for (uint32_t i = 0; i < guests; ++i) {
      if (needs_more_than(kept[i], frames)) {
        kept[i] = keep_guest(run, GuestIndex{i}, frames);
        changed = true;
      }
    }
  }
  return kept;
}

/// What is being written now has no end yet, and its writer may be about to make a trace of it.
Status refuse_live(const fs::path& directory, size_t guests) {
  // A recorder that was killed just as it started a guest leaves a child that holds its files until it becomes that guest's program.
  constexpr std::chrono::milliseconds kLook{20};
  int looks_left = 15;
  const auto refuse = [&](StreamId stream) -> Status {
    for (; UnfinishedStream(directory, stream).live(); --looks_left) {
      if (looks_left == 0) {
        return Error{ErrorKind::kUsage, fmt::format("{}: a running process is recording to it; stop the run first",
                                                    (directory / stream_file_name(stream)).string())};
      }
      std::this_thread::sleep_for(kLook);
    }
    return {};
  };
  RETURN_IF_ERROR(refuse(StreamId::network()));
  for (uint32_t i = 0; i < guests; ++i) {
    RETURN_IF_ERROR(refuse(StreamId{i}));
  }
  return {};
}

}  // namespace

Status recover_streams(const fs::path& from, RunInfo run, const fs::path& work, const fs::path& output, const FileKeys& keys,
                       const std::vector<bool>& left_out) {
  const std::vector<AgeIdentity> own = {generate_age_identity()};
  const std::vector<AgeRecipient> for_us = keys.recipients.empty() ? keys.recipients : std::vector{recipient_of(own.front())};
  const KilledRun killed{from, keys.identities};
  const CopiedRun copies{work, for_us};
  const std::vector<KeptGuest> kept = keep_guests(killed, run.guests.size());
  ASSIGN_OR_RETURN(const bool whole_network, copy_network(killed, copies, frames_of(kept)));
  run.complete = run.complete && whole_network;
  for (uint32_t i = 0; i < kept.size(); ++i) {
    RETURN_IF_ERROR(copy_guest(killed, copies, GuestIndex{i}, kept[i]));
    run.complete = run.complete && kept[i].ended;
  }
  RETURN_IF_ERROR(copy_kept_chunks(from, keys.identities, work, for_us));
  OutputOptions options;
  options.verify = true;
  options.recipients = keys.recipients;
  return join_to(work, run, output, options, own, left_out);
}

Status recover_run(const fs::path& directory, const fs::path& output, const FileKeys& keys) {
  auto run = load_run_info(directory, keys.identities);
  if (!run.ok()) {
    // The key is for the user to give; a folder without run information is no run.
    const ErrorKind kind = is_encrypted(directory / run_info_file_name()) ? run.error().kind : ErrorKind::kBadTrace;
    return Error{kind, fmt::format("{}: cannot recover: {}", directory.string(), run.error().message)};
  }
  RETURN_IF_ERROR(refuse_live(directory, run->guests.size()));
  const fs::path work = output.string() + ".recovering";
  std::error_code code;
  if (!fs::create_directory(work, code)) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot create the folder: {}", work.string(),
                                                    code ? code.message() : "it is there already; remove it if no recovery is running")};
  }
  Status status = recover_streams(directory, std::move(*run), work, output, keys);
  fs::remove_all(work, code);
  return status;
}

}  // namespace reprise
