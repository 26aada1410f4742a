#include "trace_format/chunk_pipeline.h"

#include <pthread.h>

#include <csignal>

#include "trace_format/chunk.h"

namespace reprise {
namespace {

// One being filled, one being compressed, and two to even out bursts.
constexpr size_t kChunks = 4;

}  // namespace

ChunkPipeline::ChunkPipeline(std::unique_ptr<ByteSink> sink, const FileHeaderBytes& file_header)
    : sink_(std::move(sink)), file_header_(file_header) {
  for (size_t i = 0; i < kChunks; ++i) {
    empty_.push_back(std::make_unique<SealedChunk>());
  }
  // The host process (QEMU) expects its signals on its own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ChunkPipeline::~ChunkPipeline() {
  (void)close();
}

std::unique_ptr<SealedChunk> ChunkPipeline::take_empty() {
  std::unique_lock lock(mutex_);
  if (empty_.empty()) {
    stalls_.fetch_add(1, std::memory_order_relaxed);
    changed_.wait(lock, [this] { return !empty_.empty(); });
  }
  auto chunk = std::move(empty_.back());
  empty_.pop_back();
  return chunk;
}

void ChunkPipeline::submit(std::unique_ptr<SealedChunk> chunk) {
  {
    const std::lock_guard lock(mutex_);
    submitted_.push_back(std::move(chunk));
  }
  changed_.notify_all();
}

Status ChunkPipeline::close() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    thread_.join();
    keep_first_error(sink_->close());
  }
  return status();
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
  const std::lock_guard lock(mutex_);
  if (status_.ok()) {
    status_ = status;
    failed_.store(true, std::memory_order_relaxed);
  }
}

void ChunkPipeline::run() {
  Compressor compressor;
  std::vector<uint8_t> bytes;
  keep_first_error(sink_->write(file_header_));
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !submitted_.empty(); });
    if (submitted_.empty()) {
      return;
    }
    auto chunk = std::move(submitted_.front());
    submitted_.pop_front();
    lock.unlock();
    if (!failed()) {
      pack_chunk(chunk->header, chunk->columns, compressor, bytes);
      keep_first_error(sink_->write(bytes));
    }
    lock.lock();
    empty_.push_back(std::move(chunk));
    changed_.notify_all();
  }
}

}  // namespace reprise
