// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/codec/names.hpp>
#include <troupe/core/buffer.hpp>

// What `linearizable.hpp` knows of a user's model, and how the search, which knows no types, sees it.

namespace troupe {
inline namespace v0 {
namespace testing {
namespace detail {

template <class M>
concept applies_operations =
    requires(M& m, const typename M::operation& o) { requires std::equality_comparable<decltype(m.apply(o))>; };

template <class M>
concept judges_answers = requires(M& m, const typename M::operation& o, const typename M::result* seen) {
  { m.step(o, seen) } -> std::same_as<bool>;
};

/// One sentence for what is missing; only then, so that it comes alone.
template <class M>
consteval bool check_model() {
  static_assert(std::copy_constructible<M> && std::equality_comparable<M>,
                "troupe: a model's states are copied and compared: give it `bool operator==(const Model&) const = "
                "default;`");
  static_assert(requires { typename M::operation; }, "troupe: a model names the type of its operations `operation`");
  static_assert(applies_operations<M> != judges_answers<M>,
                "troupe: a model has either `R apply(const operation&)`, where R can be compared, or a type `result` "
                "and `bool step(const operation&, const result* seen)`");
  return true;
}

// The first of these only where `check_model` has complained: so that nothing else does.
template <class M>
struct model_types {
  using operation = std::monostate;
  using result = std::monostate;
};
template <judges_answers M>
struct model_types<M> {
  using operation = typename M::operation;
  using result = typename M::result;
};
template <applies_operations M>
  requires(!judges_answers<M>)
struct model_types<M> {
  using operation = typename M::operation;
  using result = std::remove_cvref_t<decltype(std::declval<M&>().apply(std::declval<const operation&>()))>;
};

/// An operation as recorded.
template <class M>
struct history_record {
  typename model_types<M>::operation asked;
  std::optional<typename model_types<M>::result> answer = std::nullopt;
  std::size_t begin = 0;
  std::size_t end = 0;  ///< if there is an answer
  bool failed = false;
  bool given_up = false;

  [[nodiscard]] bool is_open() const noexcept { return !answer && !failed && !given_up; }
};

template <class M, class Operation>
auto history_key(const M& model, const Operation& asked) {
  if constexpr (requires { model.partition(asked); }) return model.partition(asked);
  else return std::monostate{};
}

/// A value for people: its `operator<<`, else JSON, else the name of its type.
template <class T>
std::string text_for_people(const T& value) {
  constexpr bool streamable = requires(std::ostream& out) { out << value; };
  if constexpr (std::same_as<T, std::monostate>) {
    return {};
  } else if constexpr (troupe::detail::writable<T> &&
                       (!streamable || std::is_arithmetic_v<T> || std::convertible_to<const T&, std::string_view>)) {
    return to_json(encode(value));
  } else if constexpr (streamable) {
    std::ostringstream out;
    out << value;
    return out.str();
  } else {
    return std::string{troupe::type_name<T>()};
  }
}
/// One of several kinds of operation: the kind and what is in it.
template <class... Kinds>
std::string text_for_people(const std::variant<Kinds...>& value) {
  const auto text = []<class Kind>(const Kind& kind) {
    return std::string{troupe::type_name<Kind>()} + text_for_people(kind);
  };
  return std::visit(text, value);
}

// The standard's variants claim to be comparable whatever is in them.
template <class T>
inline constexpr bool comparable = std::equality_comparable<T>;
template <class... Kinds>
inline constexpr bool comparable<std::variant<Kinds...>> = (comparable<Kinds> && ...);

[[nodiscard]] std::uint64_t fingerprint(bytes_view of) noexcept;

/// One partition of a history as the search sees it: operations and states are numbers, from 0.
class history_partition {
 public:
  static constexpr std::size_t unknown = static_cast<std::size_t>(-1);

  struct operation {
    std::size_t id = 0;         ///< in the whole history
    std::size_t begin = 0;
    std::size_t end = unknown;  ///< or its outcome is
  };

  explicit history_partition(std::string name) : name_{std::move(name)} {}
  history_partition(const history_partition&) = delete;
  history_partition& operator=(const history_partition&) = delete;
  virtual ~history_partition() = default;

  /// The key as text, or nothing if there are no partitions.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// In the order in which they began.
  [[nodiscard]] const std::vector<operation>& operations() const noexcept { return operations_; }

  /// The state (`from` itself, or a new one) in which the operation leaves the state `from`; nothing if its answer was
  /// another. State 0 is the initial one.
  [[nodiscard]] virtual std::optional<std::size_t> step(std::size_t from, std::size_t operation) = 0;
  /// Forgets the newest state.
  virtual void drop_newest() = 0;
  [[nodiscard]] virtual bool equal(std::size_t state, std::size_t other) const = 0;
  [[nodiscard]] virtual std::uint64_t hash(std::size_t state) const = 0;
  /// Whether they ask the same: then it does not matter which of two takes effect.
  [[nodiscard]] virtual bool ask_the_same(std::size_t operation, std::size_t other) const = 0;

  [[nodiscard]] virtual std::string state_text(std::size_t state) const = 0;
  /// What was asked, and answered if that is known.
  [[nodiscard]] virtual std::string operation_text(std::size_t operation) const = 0;
  /// What the model would answer; nothing if it only judges.
  [[nodiscard]] virtual std::optional<std::string> answer_text(std::size_t state, std::size_t operation) const = 0;

 protected:
  std::vector<operation> operations_;

 private:
  std::string name_;
};

template <class M>
class typed_partition final : public history_partition {
 public:
  typed_partition(std::string name, const M& initial) : history_partition{std::move(name)} {
    states_.push_back(initial);
  }

  /// `record` outlives the partition.
  void add(std::size_t id, const history_record<M>& record) {
    operations_.push_back({.id = id, .begin = record.begin, .end = record.answer ? record.end : unknown});
    records_.push_back(&record);
  }

  std::optional<std::size_t> step(std::size_t from, std::size_t at) override {
    M state = states_[from];
    if (!advance(state, *records_[at])) return std::nullopt;
    if (state == states_[from]) return from;
    states_.push_back(std::move(state));
    return states_.size() - 1;
  }
  void drop_newest() override { states_.pop_back(); }
  bool equal(std::size_t state, std::size_t other) const override {
    return state == other || states_[state] == states_[other];
  }
  std::uint64_t hash(std::size_t state) const override {
    const M& s = states_[state];
    if constexpr (requires { static_cast<std::uint64_t>(s.hash()); }) {
      return static_cast<std::uint64_t>(s.hash());
    } else if constexpr (troupe::detail::writable<M>) {
      scratch_.clear();
      encode(s, scratch_);
      return fingerprint(scratch_.view());
    } else {
      return 0;
    }
  }
  bool ask_the_same(std::size_t at, std::size_t other) const override {
    if constexpr (comparable<typename M::operation>)
      return records_[at]->asked == records_[other]->asked;
    else return false;
  }

  std::string state_text(std::size_t state) const override { return text_for_people(states_[state]); }
  std::string operation_text(std::size_t at) const override {
    const auto& record = *records_[at];
    std::string text = text_for_people(record.asked);
    if (record.answer) text += " -> " + text_for_people(*record.answer);
    return text;
  }
  std::optional<std::string> answer_text(std::size_t state, std::size_t at) const override {
    if constexpr (applies_operations<M>) {
      M copy = states_[state];
      return text_for_people(copy.apply(records_[at]->asked));
    } else {
      return std::nullopt;
    }
  }

 private:
  static bool advance(M& state, const history_record<M>& record) {
    if constexpr (judges_answers<M>) {
      return state.step(record.asked, record.answer ? &*record.answer : nullptr);
    } else {
      const auto& answer = state.apply(record.asked);
      return !record.answer || answer == *record.answer;
    }
  }

  std::vector<const history_record<M>*> records_;
  mutable buffer scratch_;
  std::deque<M> states_;  // a state stays where it is while others come
};

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
