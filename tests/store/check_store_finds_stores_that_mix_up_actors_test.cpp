// SPDX-License-Identifier: Apache-2.0
// Stores that commit each actor by itself, and let the changes of one concern another.

#include <exception>
#include <utility>

#include <catch2/catch.hpp>

#include <troupe/core/error.hpp>
#include <troupe/store/memory_store.hpp>
#include <troupe/testing/check_store.hpp>

#include "broken_stores.hpp"

using Catch::Matchers::Contains;

namespace {

/// Any store, as one of the other cut.
class apart_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  [[nodiscard]] troupe::store_traits traits() const noexcept override {
    return {.cut = troupe::commit_cut::per_actor};
  }
};

/// What it refuses, it refuses of the next actor as well.
class grudging_store final : public apart_store {
 public:
  using apart_store::apart_store;
  void commit(troupe::commit_request& request) noexcept override {
    if (std::exchange(refuses_, false) && !request.writes.empty()) return refuse(request);
    commit_quietly(request);
    refuses_ = request.result == troupe::commit_request::outcome::refused;
    request.done(request);
  }

 private:
  static void refuse(troupe::commit_request& request) noexcept {
    request.result = troupe::commit_request::outcome::refused;
    request.failure = std::make_exception_ptr(troupe::error(troupe::errc::store_failed, "and this one"));
    request.done(request);
  }

  bool refuses_ = false;
};

/// Deletes no message that it is asked to forget.
class hoarding_store final : public apart_store {
 public:
  using apart_store::apart_store;
  void commit(troupe::commit_request& request) noexcept override {
    request.undeliverable.clear();
    good_->commit(request);
  }
};

}  // namespace

TEST_CASE("the suite takes any store that commits each actor by itself", "[store][check_store]") {
  CHECK(findings<apart_store>().empty());
}

TEST_CASE("the suite finds a store that refuses the changes of one actor for another's", "[store][check_store]") {
  CHECK_THAT(findings<grudging_store>(), Contains("is refused, and others are stored"));
}

TEST_CASE("the suite finds a store that does not forget messages", "[store][check_store]") {
  CHECK_THAT(findings<hoarding_store>(), Contains("undeliverable messages alone deletes them"));
}
