#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include <troupe/actor/definition.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/timer.hpp>
#include <troupe/core/work.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class runtime_core;

/// Wakes actors that sleep with messages in their queues and have a run loop or handlers to take them: each when its
/// first message is due. Between a wake that failed and the next try there is a back-off. One timer serves all; an
/// actor that waits here takes the memory of its key. All members may be called from any thread.
class alarms {
 public:
  explicit alarms(runtime_core& core) noexcept;
  ~alarms();

  /// Asks the store who waits. Once.
  void begin();
  /// Nobody is woken any more. Whatever is under way keeps the runtime busy until it is over.
  void stop() noexcept;

  /// Whether actors of this definition are woken by their messages.
  [[nodiscard]] static bool concern(const definition& type) noexcept {
    return (type.has_handlers || (type.has_run && !type.queues.empty())) &&
           type.options.durability != durability::ephemeral;
  }

  /// The actor sleeps, or is about to, and has a message that is due at `at`.
  void set(const definition& type, const troupe::key& key, time_point at) { set({&type, key}, at, 0); }
  /// The actor is awake.
  void clear(const definition& type, const troupe::key& key);

 private:
  class search;
  class wake_order;

  using place = std::pair<const definition*, troupe::key>;
  struct appointment {
    time_point at;
    std::uint32_t failures = 0;  ///< of attempts to wake it
    std::uint64_t number = 0;    ///< of those for one moment, the first one comes first
    [[nodiscard]] std::pair<time_point, std::uint64_t> when() const noexcept { return {at, number}; }
  };
  using places = std::map<place, appointment>;

  struct bell final : timer, work {
    explicit bell(alarms& a) noexcept : timer{&bell::ring}, work{&bell::answer}, owner{a} {}
    static void ring(timer& t) noexcept;
    static void answer(work& w) noexcept;
    alarms& owner;
    std::atomic<bool> rings{false};
  };

  void set(place who, time_point at, std::uint32_t failures);
  void wake_due() noexcept;
  void wake(const place& who, std::uint32_t failures) noexcept;
  void failed(const place& who, std::uint32_t failures, const std::exception_ptr& why) noexcept;
  void arm() noexcept;

  runtime_core& core_;
  std::mutex mutex_;
  places places_;
  std::map<std::pair<time_point, std::uint64_t>, const places::value_type*> order_;
  std::uint64_t last_number_ = 0;
  bell bell_{*this};
  std::unique_ptr<search> search_;
  bool stopped_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
