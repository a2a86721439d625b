// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string_view>
#include <utility>

#include <troupe/core/executor.hpp>
#include <troupe/core/timer.hpp>
#include <troupe/core/work.hpp>
#include <troupe/store/store.hpp>

#include "retry.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Goes through a list of the store's, page by page. A page that cannot be read is reported, and asked for again after
/// a back-off. It keeps the runtime busy while it is posted or at the store.
///
/// `Runtime` is `runtime_core`; it is a parameter because that is made of classes that have scans.
template <class Runtime, class Request>
class store_scan : public Request, private timer, private work {
 public:
  using verb = void (store::*)(Request&);

  /// `purpose` is for people: "looking for messages".
  store_scan(Runtime& core, verb ask, std::string_view purpose) noexcept
      : timer{&store_scan::ring}, work{&store_scan::proceed}, core_{core}, ask_{ask}, purpose_{purpose} {
    this->done = [](Request& r) noexcept {
      auto& self = static_cast<store_scan&>(r);
      self.core_.exec().post(self);
    };
  }
  store_scan(const store_scan&) = delete;
  store_scan& operator=(const store_scan&) = delete;

  /// From any thread, while it is not under way.
  void begin() noexcept {
    core_.enter_busy();
    core_.exec().post(*this);
  }
  /// The runtime ends. A page that is at the store comes and is not looked at.
  void stop() noexcept {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
    core_.exec().cancel(*this);
  }

 protected:
  ~store_scan() = default;

  /// A page has come: `found` and `limit` are the request's. Whether to ask for another one, for which it sets `after`;
  /// else the scan is over, unless it is begun again.
  virtual bool take_page() noexcept = 0;
  /// The scan is over, and may be begun again.
  virtual void ended() noexcept {}

  Runtime& core_;

 private:
  static void ring(timer& t) noexcept { static_cast<store_scan&>(t).begin(); }

  static void proceed(work& w) noexcept {
    auto& self = static_cast<store_scan&>(w);
    auto& core = self.core_;
    if (!self.go_on()) core.leave_busy();
  }

  // Whether it is still under way.
  bool go_on() noexcept {
    if (core_.stopping()) return false;
    if (std::exchange(asked_, false)) {
      if (this->failure) return pause();
      failures_ = 0;
      const bool goes_on = take_page();
      this->found = {};
      if (!goes_on) {
        ended();
        return false;
      }
    }
    asked_ = true;
    (core_.stored().*ask_)(*this);
    return true;
  }

  bool pause() noexcept {
    this->found = {};
    core_.report(std::exchange(this->failure, nullptr), purpose_);
    const std::lock_guard lock{mutex_};
    const auto wait = backoff(std::chrono::seconds{1}, std::chrono::minutes{1}, ++failures_);
    if (!stopped_) core_.exec().arm(*this, core_.exec().now() + wait);
    return false;
  }

  const verb ask_;
  const std::string_view purpose_;
  std::mutex mutex_;
  bool stopped_ = false;
  bool asked_ = false;
  std::uint32_t failures_ = 0;  ///< in a row
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
