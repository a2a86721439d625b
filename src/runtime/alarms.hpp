// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
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

/// Wakes actors that sleep and have parts that wake them: each when the first of its parts is due. Between a wake that
/// failed and the next try there is a back-off. One timer serves all; an actor that waits here takes the memory of its
/// key. All members may be called from any thread.
///
/// Moments that are in no row of a part are kept here until they come. The store lists actors with messages in the
/// order of their ids, so all of them are read at the start.
///
/// Of the rows of parts only the head is kept here, in the order of time: the store has them all, and is asked again
/// when time comes near the first one that has not been read. A look reads what is due within two minutes, and the next
/// one comes a minute before the first unread row is due; it also ends when a thousand actors that it has found wait
/// here. So rows that are far in the future cost neither memory nor time, however many. A row that an actor leaves
/// behind when it goes to sleep counts as unread if it is later than all that has been read. While there are unread
/// rows, the wall clock is looked at every minute, so that rows are found in time when it is set forward.
class alarms {
 public:
  explicit alarms(runtime_core& core) noexcept;
  ~alarms();

  /// Asks the store what is due in actors of these definitions. Once.
  void begin(std::span<const std::shared_ptr<const definition>> served);
  /// No actor is woken any more. A look that is under way keeps the runtime busy until it is over.
  void stop() noexcept;

  /// Whether actors of this definition are woken by their parts.
  [[nodiscard]] static bool concern(const definition& type) noexcept { return type.is_woken_by_parts; }

  /// The actor sleeps, or is about to, and has something that is due at `at`.
  void set(const definition& type, const troupe::key& key, time_point at) { set({&type, key}, at, 0); }
  /// The same for a row of a part, which the store has.
  void set_row(const definition& type, const troupe::key& key, wall_time due);
  /// The actor is awake.
  void clear(const definition& type, const troupe::key& key);

 private:
  class message_scan;
  class row_scan;
  class wake_order;

  using place = std::pair<const definition*, troupe::key>;
  struct wakeup {
    time_point at;
    std::uint32_t failures = 0;  ///< of attempts to wake it
    bool read = false;           ///< a look at the rows has found it
    std::uint64_t number = 0;    ///< of those for one moment, the first one comes first
    [[nodiscard]] std::pair<time_point, std::uint64_t> when() const noexcept { return {at, number}; }
  };
  using places = std::map<place, wakeup>;

  struct wake_timer final : timer, work {
    explicit wake_timer(alarms& a) noexcept : timer{&wake_timer::ring}, work{&wake_timer::answer}, owner{a} {}
    static void ring(timer& t) noexcept;
    static void answer(work& w) noexcept;
    alarms& owner;
    std::atomic<bool> rings{false};
  };

  void set(place who, time_point at, std::uint32_t failures);
  void found(place who, time_point at, bool in_row);
  void add(place who, wakeup next);
  [[nodiscard]] places::node_type take_out(places::iterator here) noexcept;
  void wake_due() noexcept;
  void wake(const place& who, std::uint32_t failures) noexcept;
  void failed(const place& who, std::uint32_t failures, const std::exception_ptr& why) noexcept;
  void arm() noexcept;

  [[nodiscard]] std::optional<time_point> next_look() const noexcept;
  [[nodiscard]] bool begin_look() noexcept;
  [[nodiscard]] bool goes_on_looking() noexcept;
  void end_look(wall_time through, std::optional<wall_time> next) noexcept;

  runtime_core& core_;
  std::mutex mutex_;
  places wakeups_;
  std::map<std::pair<time_point, std::uint64_t>, places::iterator> order_;
  std::uint64_t last_number_ = 0;
  std::size_t read_ = 0;  ///< wakeups that a look at the rows has found
  wake_timer wake_timer_{*this};
  std::unique_ptr<message_scan> messages_;
  std::unique_ptr<row_scan> rows_;  ///< null: no definition has parts with rows that wake its actors
  bool looking_ = false;            ///< `rows_` is under way
  wall_time known_through_ = wall_time::min();  ///< all rows that are due until then have been read, or set
  wall_time known_before_ = wall_time::min();   ///< the same before the look that is under way
  std::optional<wall_time> unread_;             ///< no row behind those is due before this
  bool stopped_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
