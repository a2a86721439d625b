// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include <troupe/core/bytes.hpp>
#include <troupe/core/work.hpp>

#include "../../src/runtime/core.hpp"

namespace loopback {

/// One direction of a link: frames come out as they went in, one after the other, on the executor of the receiver's
/// runtime. As long as frames are on their way, that runtime does not end; once it has ended none arrives.
class channel final : public std::enable_shared_from_this<channel>, private troupe::work {
 public:
  using receiver = std::function<void(troupe::bytes_view frame)>;

  channel(std::shared_ptr<troupe::detail::transport> receives, receiver take)
      : work{&channel::run_posted}, receives_{std::move(receives)}, take_{std::move(take)} {}

  /// From any thread. False if the channel is closed, or its receiver has ended: then the frame never arrives.
  bool send(troupe::bytes frame) {
    auto& core = *receives_->local();
    const std::lock_guard lock{mutex_};
    if (closed_) return false;
    if (!under_way_) {
      core.enter_busy();
      closed_ = core.after_shutdown();
      if (closed_) {
        core.leave_busy();
        return false;
      }
      itself_ = shared_from_this();
      core.exec().post(*this);
      under_way_ = true;
    }
    frames_.push_back(std::move(frame));
    return true;
  }

  /// Frames that have not arrived never do.
  void close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    frames_.clear();
  }

 private:
  static void run_posted(work& w) noexcept { static_cast<channel&>(w).deliver(); }

  void deliver() {
    const auto core = receives_;
    std::shared_ptr<channel> self;
    for (;;) {
      troupe::bytes next;
      {
        const std::lock_guard lock{mutex_};
        if (frames_.empty()) {
          under_way_ = false;
          self = std::move(itself_);
          break;
        }
        next = std::move(frames_.front());
        frames_.pop_front();
      }
      take_(next);
    }
    self = nullptr;  // this may be gone, and the runtime is not
    core->leave_busy();
  }

  const std::shared_ptr<troupe::detail::transport> receives_;
  const receiver take_;
  std::mutex mutex_;
  std::deque<troupe::bytes> frames_;
  std::shared_ptr<channel> itself_;  ///< while it is posted
  bool under_way_ = false;
  bool closed_ = false;
};

}  // namespace loopback
