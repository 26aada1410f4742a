#include "trace_format/io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace reprise {
namespace {

Error system_error(ErrorKind kind, const std::string& name, const char* what, int number) {
  return Error{kind, fmt::format("{}: {}: {}", name, what, std::generic_category().message(number))};
}

class FileSink final : public ByteSink {
 public:
  FileSink(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  ~FileSink() override {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  Status write(ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) {
        continue;
      }
      if (n <= 0) {
        return system_error(ErrorKind::kRunFailed, name_, "cannot write", n < 0 ? errno : EIO);
      }
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return {};
  }

  Status sync() override {
    if (::fsync(fd_) != 0) {
      return system_error(ErrorKind::kRunFailed, name_, "cannot sync to the device", errno);
    }
    return {};
  }

  Status close() override {
    const int fd = fd_;
    fd_ = -1;
    if (::close(fd) != 0) {
      return system_error(ErrorKind::kRunFailed, name_, "cannot close", errno);
    }
    return {};
  }

 private:
  int fd_;
  std::string name_;
};

class FileSource final : public ByteSource {
 public:
  FileSource(int fd, uint64_t size, std::string name) : fd_(fd), size_(size), name_(std::move(name)) {}
  ~FileSource() override { ::close(fd_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  const std::string& name() const override { return name_; }
  uint64_t size() const override { return size_; }

  Status read_at(uint64_t offset, std::span<uint8_t> bytes) const override {
    while (!bytes.empty()) {
      const ssize_t n = ::pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) {
        continue;
      }
      if (n < 0) {
        return system_error(ErrorKind::kBadTrace, name_, fmt::format("cannot read at byte {}", offset).c_str(), errno);
      }
      if (n == 0) {
        return Error{ErrorKind::kBadTrace, fmt::format("{}: ends at byte {}, before the end of what it announces", name_, offset)};
      }
      bytes = bytes.subspan(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

 private:
  int fd_;
  uint64_t size_;
  std::string name_;
};

}  // namespace

Result<std::unique_ptr<ByteSink>> create_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) {
    return system_error(ErrorKind::kRunFailed, path.string(), "cannot create", errno);
  }
  return std::unique_ptr<ByteSink>(std::make_unique<FileSink>(fd, path.string()));
}

Result<std::unique_ptr<ByteSource>> open_file(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO is refused below instead of waited for.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return system_error(ErrorKind::kUsage, path.string(), "cannot open", errno);
  }
  struct stat st = {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    ::close(fd);
    return Error{ErrorKind::kUsage, fmt::format("{}: not a regular file", path.string())};
  }
  return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(fd, static_cast<uint64_t>(st.st_size), path.string()));
}

Status sync_directory(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory.empty() ? "." : directory;
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return system_error(ErrorKind::kRunFailed, path.string(), "cannot open the folder", errno);
  }
  const int failed = ::fsync(fd) != 0 ? errno : 0;
  ::close(fd);
  // Some file systems cannot sync a folder and say EINVAL: there is nothing to be done about it there.
  if (failed != 0 && failed != EINVAL) {
    return system_error(ErrorKind::kRunFailed, path.string(), "cannot sync the folder", failed);
  }
  return {};
}

}  // namespace reprise
