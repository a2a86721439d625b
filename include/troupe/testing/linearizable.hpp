// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <troupe/core/error.hpp>
#include <troupe/testing/linearizable_model.hpp>

/// \file
/// Are the answers of concurrent callers what one caller after another would have got? A test records what was asked
/// and answered in a `history`; `check_linearizable` looks for an order of the operations, each somewhere between its
/// begin and its end, in which a *model* gives the same answers (Herlihy and Wing, 1990).
///
/// A model is a plain struct, like an actor: its members are the state, `apply` is what it does.
///
///     struct counter_model {
///       struct operation {
///         std::string counter;
///         std::int64_t by = 0;
///       };
///       std::int64_t count = 0;
///
///       std::int64_t apply(const operation& o) { return count += o.by; }
///       static std::string partition(const operation& o) { return o.counter; }
///       bool operator==(const counter_model&) const = default;
///     };
///
///     troupe::testing::history<counter_model> history;
///     // on any thread, in any coroutine:
///     const auto id = history.begin({.counter = "home", .by = 2});
///     const auto count = co_await home.call<&counter::increment>(2);
///     history.end(id, count);
///     // at the end:
///     CHECK(troupe::testing::check_linearizable(history));
///
/// | a model has | |
/// |---|---|
/// | `operation` | a type: what is asked of it |
/// | `R apply(const operation&)` | changes the state and returns the answer; R can be copied and compared |
/// | `operator==` | of states; usually defaulted |
/// | `partition(const operation&)` | optional, static: what the operation is about, as a value with `<` |
/// | `hash()` | optional, equal for equal states: for states that troupe cannot encode |
///
/// With `partition`, a model is the state of one such thing (a key, an actor), and each is checked by itself, which is
/// much faster: a history is linearizable if that of every part is. An actor can be its own model: keep one as a member
/// and let `apply` call it.
///
/// Where several answers are right, instead of `apply`: a type `result`, and `bool step(const operation&, const result*
/// seen)`, which says whether the answer may be this one and changes the state accordingly; `seen` is null if nobody
/// knows the answer. Where several *states* are possible after one answer, let the model be the set of them.
///
/// Some hundred operations of a partition take milliseconds. What costs most are answers that tell late what happened
/// early (a long queue), and operations of unknown outcome, since each may have happened at any time or never. Some
/// dozens of those are no trouble if each writes a value of its own, or if operations have `operator==`, so that it is
/// known which of them are the same.
///
/// The algorithm is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with Lowe's memory of
/// configurations ("Testing for linearizability", 2017) and the partitions of Horn and Kroening ("Faster
/// linearizability checking via P-compositionality", 2015), as in Athalye's Porcupine.

namespace troupe {
inline namespace v0 {
namespace testing {

/// Names an operation of a history; they count from 0. Explanations say "#7".
struct operation_id {
  std::size_t number = 0;
};

/// What concurrent callers asked and what they were answered. `Model` is described at the top of this file.
///
/// The order of the calls to a history is the order of time: `begin` before the operation can have an effect, `end`
/// when the answer is there. Any thread may call it.
template <class Model>
class history {
  static_assert(detail::check_model<Model>());

 public:
  using operation = typename detail::model_types<Model>::operation;
  using result = typename detail::model_types<Model>::result;

  /// The model begins as `Model{}`, or as `initial`.
  history() requires std::default_initializable<Model> : history{Model{}} {}
  explicit history(Model initial) : initial_{std::move(initial)} {}
  history(const history&) = delete;
  history& operator=(const history&) = delete;

  /// An operation begins. What never ends has an unknown outcome, so a throw between `begin` and `end` needs no care.
  operation_id begin(operation asked) {
    const std::lock_guard lock{mutex_};
    records_.push_back({.asked = std::move(asked), .begin = time_++});
    return {records_.size() - 1};
  }

  // Each operation ends once at most, by one of these. Errors: `actor.invalid_operation` if it has ended already, or is
  // none of this history.

  /// It was answered.
  void end(operation_id id, result answer) {
    const std::lock_guard lock{mutex_};
    open(id).answer.emplace(std::move(answer));
    records_[id.number].end = time_++;
  }

  /// It certainly had no effect and never will: refused, not sent. It is left out.
  void failed(operation_id id) {
    const std::lock_guard lock{mutex_};
    open(id).failed = true;
  }

  /// A crash, a time-out: it may have taken effect, may still do so, or never. The same as not to end it.
  void unknown(operation_id id) {
    const std::lock_guard lock{mutex_};
    open(id).given_up = true;
  }

  /// How many operations have begun.
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock{mutex_};
    return records_.size();
  }

  /// For `check_linearizable`: a copy of what is recorded so far.
  [[nodiscard]] std::vector<detail::history_record<Model>> records() const {
    const std::lock_guard lock{mutex_};
    return records_;
  }
  [[nodiscard]] const Model& initial() const noexcept { return initial_; }

 private:
  detail::history_record<Model>& open(operation_id id) {
    if (id.number < records_.size() && records_[id.number].is_open()) return records_[id.number];
    throw error(errc::invalid_operation,
                "operation #" + std::to_string(id.number) + " of the history has ended already, or never began");
  }

  const Model initial_;
  mutable std::mutex mutex_;
  std::vector<detail::history_record<Model>> records_;
  std::size_t time_ = 0;
};

struct linearizability_limits {
  /// Configurations (which operations have happened, and the state) that the search of one partition may visit; fewer
  /// if each is much like many others. A million take a second or two and some hundred megabytes.
  std::size_t configurations_max = 1'000'000;
};

/// What `check_linearizable` found. True when the history is linearizable; printed, it is the explanation.
class [[nodiscard]] linearizability {
 public:
  enum class verdict : std::uint8_t {
    linearizable,
    not_linearizable,  ///< no order explains the answers
    gave_up,           ///< neither was found within the limits; not a success
  };

  linearizability(verdict outcome, std::string explanation, std::size_t configurations) noexcept
      : outcome_{outcome}, explanation_{std::move(explanation)}, configurations_{configurations} {}

  [[nodiscard]] explicit operator bool() const noexcept { return outcome_ == verdict::linearizable; }
  [[nodiscard]] verdict outcome() const noexcept { return outcome_; }

  /// Empty if the history is linearizable. Else it names the partition (the smallest that has no order), the first
  /// operation whose answer nothing explains, an order of what ended before it, and the operations that were under way,
  /// as a timeline:
  ///
  ///     troupe: not linearizable: in partition "home" (4 operations) nothing explains #2: {"write":null} -> 0
  ///       This order of 2 explains all that ended before it did:
  ///         #0  []        {"write":1} -> 1
  ///         #1    [-]     {"write":null} -> 1
  ///       The state is then {"value":1}. What was under way:
  ///         #2     [--]   {"write":null} -> 0, but the model gives 1
  ///         #3       [->  {"write":2}, outcome unknown
  ///
  /// Values are printed with their `operator<<`, else as JSON.
  [[nodiscard]] const std::string& explanation() const noexcept { return explanation_; }

  /// How many configurations were visited, in all partitions.
  [[nodiscard]] std::size_t configurations() const noexcept { return configurations_; }

  friend std::ostream& operator<<(std::ostream& out, const linearizability& found);

 private:
  verdict outcome_;
  std::string explanation_;
  std::size_t configurations_;
};

namespace detail {

/// Checks the partitions, the smaller ones first, up to the first that is not linearizable.
linearizability judge(std::vector<std::unique_ptr<history_partition>> partitions, const linearizability_limits& limits);

}  // namespace detail

/// Whether some order explains the history. The same history gets the same answer and the same words on every
/// platform. Throws what the model throws.
template <class Model>
linearizability check_linearizable(const history<Model>& recorded, linearizability_limits limits = {}) {
  const auto records = recorded.records();
  using key = decltype(detail::history_key(recorded.initial(), records.front().asked));
  std::map<key, std::unique_ptr<detail::typed_partition<Model>>> by_key;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].failed) continue;
    const auto [at, is_new] = by_key.try_emplace(detail::history_key(recorded.initial(), records[i].asked));
    if (is_new) {
      auto name = detail::text_for_people(at->first);
      at->second = std::make_unique<detail::typed_partition<Model>>(std::move(name), recorded.initial());
    }
    at->second->add(i, records[i]);
  }
  std::vector<std::unique_ptr<detail::history_partition>> partitions;
  for (auto& [each, partition] : by_key) partitions.push_back(std::move(partition));
  return detail::judge(std::move(partitions), limits);
}

}  // namespace testing
}  // namespace v0
}  // namespace troupe
