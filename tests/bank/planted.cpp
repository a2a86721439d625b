// SPDX-License-Identifier: Apache-2.0
#include "planted.hpp"

#include <random>
#include <utility>

#include "../lives/planted.hpp"
#include "../store/forwarding_store.hpp"

namespace bank_test {
namespace {

constexpr unsigned one_in = 20;

void lose_messages(troupe::write_set& w) { w.messages = {}; }
void forget_acknowledgements(troupe::write_set& w) { w.removed = {}; }
void keep_old_state(troupe::write_set& w) {
  if (w.what == troupe::write_set::action::update) w.what = troupe::write_set::action::keep;
}
void lose_sends(troupe::write_set& w) { w.sent = {}; }
void forget_arrivals(troupe::write_set& w) { w.arrived = {}; }

/// Does something to some of the write-sets.
template <void (*Damage)(troupe::write_set&)>
class damaging_store final : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    for (troupe::write_set& w : request.writes) {
      if (random_() % one_in == 0) Damage(w);
    }
    good_->commit(request);
  }

 private:
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace

troupe::store_factory plant(const std::string& name, troupe::store_factory good) {
  if (name == "message-lost") return before_each<damaging_store<&lose_messages>>(std::move(good));
  if (name == "message-again") return before_each<damaging_store<&forget_acknowledgements>>(std::move(good));
  if (name == "handled-not-done") return before_each<damaging_store<&keep_old_state>>(std::move(good));
  if (name == "send-lost") return before_each<damaging_store<&lose_sends>>(std::move(good));
  if (name == "arrival-again") return before_each<damaging_store<&forget_arrivals>>(std::move(good));
  return lives::plant(name, std::move(good));
}

}  // namespace bank_test
