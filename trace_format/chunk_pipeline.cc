#include "trace_format/chunk_pipeline.h"

#include <pthread.h>

#include <chrono>
#include <csignal>

namespace reprise {
ChunkPipeline::ChunkPipeline(std::unique_ptr<ByteSink> sink, std::unique_ptr<EventLog> log, StreamId stream, const StreamOptions& options)
    : sink_(std::move(sink)), log_(std::move(log)), stream_(stream), options_(options), builder_(stream) {
  // The host process (QEMU) expects its signals on its own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ChunkPipeline::~ChunkPipeline() {
  end_thread();
}

std::optional<RowSpace> ChunkPipeline::open(VirtualTime first) {
  if (opened_ - written_.load(std::memory_order_acquire) >= kLogSlots) {
    stalls_.fetch_add(1, std::memory_order_relaxed);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return failed() || opened_ - written_.load(std::memory_order_relaxed) < kLogSlots; });
  }
  if (failed()) {
    return std::nullopt;
  }
  return log_->open(opened_++, first);
}

void ChunkPipeline::seal() {
  {
    const std::lock_guard lock(mutex_);
    sealed_ = opened_;
  }
  changed_.notify_all();
}

Status ChunkPipeline::close() {
  if (end_thread() && !failed()) {
    keep_first_error(log_->remove());
  }
  return status();
}

bool ChunkPipeline::end_thread() {
  if (!thread_.joinable()) {
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
  keep_first_error(sink_->close());
  return true;
}

Status ChunkPipeline::status() const {
  if (!failed()) {
    return {};
  }
  const std::lock_guard lock(mutex_);
  return status_;
}

void ChunkPipeline::keep_first_error(const Status& status) {
  if (status.ok()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (status_.ok()) {
      status_ = status;
      failed_.store(true, std::memory_order_relaxed);
    }
  }
  changed_.notify_all();
}

ChunkPipeline::Work ChunkPipeline::wait_for_work() {
  std::unique_lock lock(mutex_);
  const uint64_t written = written_.load(std::memory_order_relaxed);
  const auto some = [&] { return sealed_ > written && !failed(); };
  changed_.wait_for(lock, options_.secure_every, [&] { return closing_ || some(); });
  return {some() ? sealed_ : written, closing_ && !some()};
}

void ChunkPipeline::write_chunk(uint64_t number) {
  // Rows of our own writer: that they are rows is our invariant.
  CHECK(builder_.build(log_->rows(number), columns_));
  ChunkHeader header = builder_.header();
  pack_chunk(header, columns_, compressor_, packed_);
  keep_first_error(sink_->write(packed_));
}

void ChunkPipeline::secure_log() {
  const bool changed = log_->mark(written_.load(std::memory_order_relaxed));
  if (changed && options_.durable) {
    keep_first_error(log_->sync());
  }
}

void ChunkPipeline::write_chunks(uint64_t until) {
  uint64_t written = written_.load(std::memory_order_relaxed);
  for (; written < until && !failed(); ++written) {
    write_chunk(written);
  }
  if (options_.durable && !failed()) {
    keep_first_error(sink_->sync());
  }
  if (failed()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    written_.store(written, std::memory_order_release);
  }
  changed_.notify_all();
}

void ChunkPipeline::run() {
  keep_first_error(sink_->write(encode_file_header(FileKind::kStream, stream_)));
  auto next_mark = std::chrono::steady_clock::now() + options_.secure_every;
  for (;;) {
    const Work work = wait_for_work();
    if (work.last) {
      return;
    }
    const uint64_t written = written_.load(std::memory_order_relaxed);
    if (work.sealed > written) {
      // Durable: all that is sealed shares one sync. Else each slot is given back at once.
      write_chunks(options_.durable ? work.sealed : written + 1);
    }
    if (const auto now = std::chrono::steady_clock::now(); now >= next_mark) {
      secure_log();
      next_mark = now + options_.secure_every;
    }
  }
}

}  // namespace reprise
