// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <vector>

#include <troupe/actor/connection_core.hpp>
#include <troupe/core/intrusive_list.hpp>
#include <troupe/core/ref_counted.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The connections of an actor, and the listeners of its events. It begins with the first connection and ends with the
/// actor, and so outlives the actor's sleep.
///
/// The way of an event: the turn that sent it ends (`publish`); listeners of other actors that share its epochs have it
/// now, with its dependency; all others when that is durable, behind all that was sent before. So a listener that
/// stalls holds up nobody: what it does not take waits in its own connection, and too much of that ends the connection.
class subscription_hub final : public ref_counted<subscription_hub>, private gate_node, private work {
 public:
  explicit subscription_hub(cell& c);
  subscription_hub(const subscription_hub&) = delete;
  subscription_hub& operator=(const subscription_hub&) = delete;

  // --- the actor's holder ---

  /// Makes a connection visible, as one whose on_connect has not returned.
  void add(connection_core& c) noexcept;
  /// on_connect has returned.
  void end_opening(connection_core& c) noexcept;
  /// Makes it invisible. False if it is already.
  bool remove(connection_core& c) noexcept;
  /// The connections in the order in which they were opened.
  [[nodiscard]] connection_core* first() const noexcept { return connections_.first(); }
  [[nodiscard]] static connection_core* behind(const connection_core& c) noexcept { return connection_list::next(c); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Whether anybody would hear the event.
  [[nodiscard]] bool has_subscribers(std::uint32_t event) const noexcept {
    return opening_ != 0 || events_[event].count.load(std::memory_order_relaxed) != 0;
  }
  /// Takes over the reference.
  void publish(event_record& e, epoch_number dependency) noexcept;
  /// Closes a connection from the actor's side, behind all that was sent to it, and no sooner than `dependency`.
  void disconnect(connection_core& c, std::exception_ptr why, epoch_number dependency) noexcept;

  // --- any thread ---

  /// From now on it hears what is sent. False if its connection is closed, or it has been unsubscribed.
  bool subscribe(listener& l) noexcept;
  void unsubscribe(listener& l) noexcept;
  /// Marks a connection closed; its listeners hear no more. False if it is closed already.
  bool close(connection_core& c, std::exception_ptr why, bool by_client) noexcept;

 private:
  using connection_list = intrusive_list<connection_core, &connection_core::in_hub>;
  using listener_list = intrusive_list<listener, &listener::in_hub>;
  struct event_state {
    listener_list listeners;
    std::atomic<std::uint32_t> count{0};
  };
  using lagging_list = std::vector<counted_ptr<connection_core>>;

  friend class ref_counted<subscription_hub>;
  ~subscription_hub() = default;
  void keep_for_opening(event_record& e) noexcept;
  void hold(event_record& e) noexcept;
  /// Whether the connection is that of an actor that is committed together with this one, so that both share epochs.
  [[nodiscard]] bool is_near(const connection_core& c) const noexcept;
  [[nodiscard]] bool may_leave(epoch_number dependency) const noexcept;
  [[nodiscard]] bool end(connection_core& c, std::exception_ptr why, bool by_client, epoch_number dependency,
                         delivery_list& dropped) noexcept;
  void distribute(event_record& e, bool to_actors, bool to_host, lagging_list& lagging) noexcept;
  void unlist(listener& l) noexcept;
  void wait_for_commit(epoch_number e) noexcept;
  void pass_on() noexcept;
  static void close_lagging(const lagging_list& lagging) noexcept;

  runtime_core& core_;
  const definition& type_;
  std::atomic<bool> lost_{false};         ///< the store lost track: what waits never leaves
  connection_list connections_;
  std::size_t size_ = 0;
  std::size_t opening_ = 0;

  std::mutex mutex_;
  std::vector<event_state> events_;       ///< by event
  std::uint64_t sent_ = 0;
  work_list held_;                        ///< events, and ends of connections, that wait for a commit, in order
};

/// Sends an event when the turn that runs has ended. Takes over the reference.
void leave_with_turn(turn& t, event_record& e, subscription_hub& to) noexcept;

/// Brings events to the handlers of an actor that connected to another, in one of its turns.
class event_delivery final : public invocation {
 public:
  event_delivery(executor& home, connection_core& c) noexcept;
  std::coroutine_handle<> begin(activation*) override;
  void finish() override {}
  [[nodiscard]] std::string_view what() const noexcept override { return "events"; }

 private:
  counted_ptr<connection_core> from_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
