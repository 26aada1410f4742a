// Files, programs and environment variables that go away with the test.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace reprise::testing {

/// A folder of its own, gone at the end.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Writes `bytes` to a new file in the folder.
  [[nodiscard]] std::filesystem::path file(const std::string& name, const std::string& bytes) const;
  /// A program that runs `script` with /bin/sh.
  [[nodiscard]] std::filesystem::path program(const std::string& name, const std::string& script) const;

 private:
  std::filesystem::path path_;
};

/// Sets an environment variable (or, with nothing, removes it) until the end of the scope.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::optional<std::string>& value);
  ~ScopedVariable();
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace reprise::testing
