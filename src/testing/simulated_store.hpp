// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <troupe/core/timer.hpp>
#include <troupe/store/store.hpp>

#include "simulated_executor.hpp"

namespace troupe {
inline namespace v0 {
namespace testing::detail {

/// Between a runtime and the store that it was given: lets answers take their time, fails and kills as the faults say.
/// The inner store answers on the spot. With a commit for each actor, answers come late and in any order.
class simulated_store final : public store {
 public:
  simulated_store(std::unique_ptr<store> inner, simulated_world& world, simulated_executor& exec, commit_cut cut);
  ~simulated_store() override;

  void load(load_request& request) noexcept override;
  void list(list_request& request) noexcept override;
  void list_outgoing(outgoing_request& request) noexcept override;
  void list_waiting(waiting_request& request) noexcept override;
  void list_parts(parts_request& request) noexcept override;
  void list_due(due_request& request) noexcept override;
  [[nodiscard]] std::uint64_t opening() const noexcept override { return inner_->opening(); }
  void commit(commit_request& request) noexcept override;
  [[nodiscard]] std::size_t value_bytes_max() const noexcept override { return inner_->value_bytes_max(); }
  [[nodiscard]] store_traits traits() const noexcept override { return {.cut = cut_}; }
  void backup(const std::string& path) override { inner_->backup(path); }
  void close() noexcept override;

  /// The process dies: a commit under way is stored or not, and whoever waits for anything is told that it is open.
  void sever() noexcept;

  /// The store itself, for those who look in from outside.
  [[nodiscard]] store& inner() noexcept { return *inner_; }

  /// Called around each commit of the inner store; the second says whether the process has died within it.
  std::function<void()> before_write;
  std::function<bool()> died_in_write;

 private:
  /// An answer that takes its time.
  struct held_back : timer, work {
    held_back(simulated_store& s, std::function<void()> answer_it, std::function<void()> sever_it);
    simulated_store& owner;
    std::function<void()> answer;  ///< may throw nothing
    std::function<void()> sever;
  };

  template <class Request>
  void read(Request& request, void (store::*how)(Request&)) noexcept;
  void hold_back(std::chrono::nanoseconds by, std::function<void()> answer, std::function<void()> sever) noexcept;
  [[nodiscard]] bool commit_now(commit_request& request) noexcept;
  void die_in(commit_request& request) noexcept;
  void fail(commit_request& request) noexcept;
  [[nodiscard]] bool loses(commit_request& request, const std::function<void()>& leave_open) noexcept;
  void note(const commit_request& request) noexcept;
  [[nodiscard]] std::chrono::nanoseconds commit_time() noexcept;

  std::unique_ptr<store> inner_;
  simulated_world& world_;
  simulated_executor& exec_;
  const commit_cut cut_;
  std::vector<std::unique_ptr<held_back>> held_;
  std::vector<commit_request*> dead_commits_;  ///< those that the process died in
  bool severed_ = false;
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace troupe
