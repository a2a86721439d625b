// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <troupe/core/clock.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/executor.hpp>
#include <troupe/core/member_work.hpp>

#include "outbox_message.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class runtime_core;
class sent_message;

/// Brings outbox messages to the actors that they are for, again and again if need be: an outbox message is lost only
/// with its receiver. All members may be called from any thread.
class outbox {
 public:
  /// Makes the invocation that brings an outbox message, with one reference.
  using maker = sent_message& (*)(executor& home, counted_ptr<outbox_message> p);

  outbox(runtime_core& core, maker make) noexcept;
  ~outbox();

  /// Sends the outbox messages that an earlier process left in the store on their way.
  void begin();
  /// Nothing is tried again any more: what is on its way stays in the store.
  void stop() noexcept;

  /// Sends an invocation to its actor, when what it depends on lets it go. Takes over the reference.
  void leave(sent_message& inv) noexcept;
  /// The same at once.
  void deliver(sent_message& inv) noexcept;

  /// An invocation with an outbox message could not be run. True if it will be tried again, or stays in the store, and
  /// so is no longer the caller's; false if its failure is final.
  [[nodiscard]] bool keep(sent_message& inv, const std::exception_ptr& why) noexcept;

  /// Tries again later. Takes over the reference.
  void put_off(sent_message& inv) noexcept;
  /// The same for an outbox message that had arrived at an actor that has lost its state.
  void send_again(const counted_ptr<outbox_message>& p);
  /// It is not known whether these are stored as on their way: those that are, are sent.
  void look_for(const std::vector<std::uint64_t>& messages) noexcept;

 private:
  class recovery;
  class search;

  static void passed_gate(gate_node& n, bool durable) noexcept;
  [[nodiscard]] bool restore(std::uint64_t id, bytes_view content);
  void ring() noexcept;
  void try_again() noexcept;
  void arm() noexcept;
  void drop(sent_message& inv) noexcept;

  runtime_core& core_;
  const maker make_;
  std::mutex mutex_;
  std::multimap<time_point, sent_message*> waiting_;
  bool armed_ = false;  ///< or the job is posted
  bool stopped_ = false;
  member_timer<&outbox::ring> alarm_{*this};
  member_work<&outbox::try_again> job_{*this};
  std::unique_ptr<recovery> recovery_;
  std::unique_ptr<search> search_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
