// SPDX-License-Identifier: Apache-2.0
// The snippets of docs/state-and-codec.md: state that changes its shape, and types with a form of their own.

#include <troupe/json.hpp>
#include <troupe/troupe.hpp>

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "../../examples/support.hpp"

namespace first_release {
struct basket {
  std::vector<std::string> items;

  void add(std::string item) { items.push_back(std::move(item)); }

  using actor = troupe::actor<basket, &basket::add>;
};
}  // namespace first_release

namespace second_release {
// [migrate]
struct line {
  std::string item;
  int pieces = 1;
};

struct basket {
  std::vector<line> lines;            // version 1 had `items`, a list of texts
  std::optional<std::string> coupon;  // new: needs no migration, older state has the initialiser's value

  void add(std::string item) { lines.push_back(line{std::move(item), 1}); }
  std::vector<line> content() const { return lines; }

  static constexpr int version = 2;
  static void migrate(troupe::json& state, int from) {
    if (from < 2) {
      for (const auto& item : state["items"]) state["lines"].push_back({{"item", item}, {"pieces", 1}});
    }
  }

  using actor = troupe::actor<basket, &basket::add, &basket::content>;
};
// [/migrate]
}  // namespace second_release

// [codec]
class money {
 public:
  static money from_cents(std::int64_t cents) { return money{cents}; }
  money() = default;
  [[nodiscard]] std::int64_t cents() const { return cents_; }

 private:
  explicit money(std::int64_t cents) : cents_{cents} {}
  std::int64_t cents_ = 0;
};

template <>
struct troupe::codec<money> {
  static void write(troupe::cbor_writer& out, const money& value) { troupe::write(out, value.cents()); }
  static void read(troupe::cbor_reader& in, money& value) {
    std::int64_t cents = 0;
    troupe::read(in, cents);
    value = money::from_cents(cents);
  }
};
// [/codec]

// [enum]
enum class coin : std::uint8_t { cent = 1, nickel = 5, dime = 10 };

template <>
inline constexpr auto troupe::enum_values<coin> = std::array{coin::cent, coin::nickel, coin::dime};
// [/enum]

struct till {
  money sum;
  void add(money amount) { sum = money::from_cents(sum.cents() + amount.cents()); }
  void insert(coin one) { add(money::from_cents(static_cast<int>(one))); }
  money total() const { return sum; }
  using actor = troupe::actor<till, &till::add, &till::insert, &till::total>;
};

template <class F>
std::string code_of(F&& f) {
  try {
    f();
  } catch (const troupe::error& e) {
    return e.code();
  }
  return {};
}

int main() {
  const troupe::memory store;
  troupe::registry old_program;
  old_program.use<first_release::basket>("basket");
  troupe::registry new_program;
  new_program.use<second_release::basket>("basket").use<till>("till");
  {
    troupe::runtime runtime{old_program, {.store = store}};
    runtime.client().get_or_create<first_release::basket>("alice").call<&first_release::basket::add>("tea").get();
  }
  {
    troupe::runtime runtime{new_program, {.store = store}};
    const auto alice = runtime.client().get<second_release::basket>("alice");
    alice.call<&second_release::basket::add>("milk").get();
    const auto content = alice.call<&second_release::basket::content>().get();
    check(content.size() == 2 && content[0].item == "tea" && content[0].pieces == 1);

    const auto front = runtime.client().get_or_create<till>("front");
    front.call<&till::add>(money::from_cents(250)).get();
    check(front.call("total", "[]").get() == "250");
    front.call("insert", "[5]").get();
    check(code_of([&] { front.call("insert", "[7]").get(); }) == "invalid_request");
    check(front.call("total", "[]").get() == "255");
  }
  troupe::runtime runtime{old_program, {.store = store}};
  check(code_of([&] {
          runtime.client().get<first_release::basket>("alice").call<&first_release::basket::add>("sugar").get();
        }) == "newer_state");

  // [describe]
  const std::string manifest = troupe::describe<second_release::basket>();  // JSON: actions, types, state, version
  // [/describe]
  check(troupe::json::parse(manifest)["version"] == 2);
  return 0;
}
