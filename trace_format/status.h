// Errors as values, and the one word for our own bugs (CHECK).
// C++20 has no std::expected; this is the smallest thing that serves.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace reprise {

/// What went wrong, as far as a caller can act on it. The values are the process exit codes of the command line.
enum class ErrorKind : int {
  kUsage = 2,      ///< arguments, platform.xml, deployment.xml
  kBadTrace = 3,   ///< the trace is damaged, truncated or not a trace
  kMachine = 4,    ///< the machine lacks something, or does not match the trace
  kRunFailed = 5,  ///< a guest died, the network deadlocked, the disk is full
};

struct Error {
  ErrorKind kind;
  std::string message;  ///< names the object, the place and the remedy; no trailing newline
};

/// Success, or an Error. Must be looked at.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor): `return Error{...}` reads best

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  /// Requires !ok().
  [[nodiscard]] const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

/// A value, or an Error. Must be looked at; value() requires ok().
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  [[nodiscard]] const Error& error() const { return *error_; }
  [[nodiscard]] T& value() & { return *value_; }
  [[nodiscard]] const T& value() const& { return *value_; }
  [[nodiscard]] T&& value() && { return std::move(*value_); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  std::optional<Error> error_;
};

[[noreturn]] inline void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "reprise: internal error: %s:%d: CHECK(%s) failed; please report this\n", file, line, condition);
  std::abort();
}

}  // namespace reprise

/// An invariant of ours. On in every build: a wrong trace is worse than no trace.
#define CHECK(condition) \
  (__builtin_expect(static_cast<bool>(condition), 1) ? void(0) : ::reprise::check_failed(__FILE__, __LINE__, #condition))

#define REPRISE_CONCAT_INNER(a, b) a##b
#define REPRISE_CONCAT(a, b) REPRISE_CONCAT_INNER(a, b)

/// Returns the error of a Status to our caller, if there is one.
#define RETURN_IF_ERROR(expression)                                       \
  do {                                                                    \
    if (const ::reprise::Status& status_ = (expression); !status_.ok()) { \
      return status_.error();                                             \
    }                                                                     \
  } while (false)

/// `ASSIGN_OR_RETURN(auto x, f());` declares x from a Result, or returns its error to our caller.
#define ASSIGN_OR_RETURN(declaration, expression) ASSIGN_OR_RETURN_INNER(REPRISE_CONCAT(result_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                   \
  if (!result.ok()) {                                           \
    return result.error();                                      \
  }                                                             \
  declaration = std::move(result).value()
