#include "tests/launcher/test_files.h"

#include <cstdlib>
#include <fstream>
#include <system_error>

#include "trace_format/status.h"

namespace reprise::testing {
namespace {

void set_variable(const char* name, const std::optional<std::string>& value) {
  CHECK((value.has_value() ? setenv(name, value->c_str(), 1) : unsetenv(name)) == 0);
}

}  // namespace

TestFolder::TestFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "reprise-test-XXXXXX").string();
  CHECK(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TestFolder::file(const std::string& name, const std::string& bytes) const {
  std::ofstream out(path_ / name, std::ios::binary);
  out << bytes;
  CHECK(out.flush().good());
  return path_ / name;
}

std::filesystem::path TestFolder::program(const std::string& name, const std::string& script) const {
  std::filesystem::path path = file(name, "#!/bin/sh\n" + script + "\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

ScopedVariable::ScopedVariable(const char* name, const std::optional<std::string>& value) : name_(name) {
  if (const char* old = std::getenv(name); old != nullptr) {
    before_ = old;
  }
  set_variable(name, value);
}

ScopedVariable::~ScopedVariable() {
  set_variable(name_, before_);
}

}  // namespace reprise::testing
