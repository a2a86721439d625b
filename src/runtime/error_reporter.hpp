// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string_view>

#include <troupe/runtime/runtime.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Brings failures and the log to the host: to its functions, one call at a time, or to stderr. All members may be
/// called from any thread.
class error_reporter {
 public:
  /// The options outlive it.
  explicit error_reporter(const runtime_options& options) noexcept : options_{options} {}
  error_reporter(const error_reporter&) = delete;
  error_reporter& operator=(const error_reporter&) = delete;

  /// `where` is for people.
  void report(const std::exception_ptr& failure, std::string_view where) noexcept;
  void log(log_level level, std::string_view line) noexcept;

  /// How many failures have been reported.
  [[nodiscard]] std::uint64_t errors() const noexcept { return errors_.load(std::memory_order_relaxed); }
  /// Whether the calling thread is in a function of the host.
  [[nodiscard]] bool is_reporting() const noexcept;

 private:
  const runtime_options& options_;
  alignas(64) std::atomic<std::uint64_t> errors_{0};
  std::mutex mutex_;
  std::atomic<const void*> reporting_{nullptr};  ///< the thread that is in a function of the host
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
