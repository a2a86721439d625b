#include <algorithm>
#include <memory>

#include <catch2/catch.hpp>

#include <troupe/store/memory_store.hpp>
#include <troupe/testing/check_store.hpp>

#include "store_calls.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;

namespace {

/// A good store, to be broken in one way each.
class forwarding_store : public troupe::store {
 public:
  explicit forwarding_store(std::unique_ptr<troupe::store> good) : good_{std::move(good)} {}
  void load(troupe::load_request& request) noexcept override { good_->load(request); }
  void list(troupe::list_request& request) noexcept override { good_->list(request); }
  void commit(troupe::commit_request& request) noexcept override { good_->commit(request); }
  void backup(const std::string& path) override { good_->backup(path); }
  void close() noexcept override { good_->close(); }

 protected:
  std::unique_ptr<troupe::store> good_;
};

/// Says that it committed, and forgot the last write-set.
class forgetful_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    if (request.writes.size() > 1) request.writes.pop_back();
    good_->commit(request);
  }
};

/// Commits one write-set after the other, so that what comes before a mistake stays.
class piecemeal_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    request.result = troupe::commit_request::outcome::committed;
    for (const troupe::write_set& write : request.writes) {
      troupe::commit_request one = store_calls::commit(*good_, {write});
      if (one.failure == nullptr) continue;
      request.result = one.result;
      request.failure = one.failure;
    }
    request.done(request);
  }
};

class unsorted_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void list(troupe::list_request& request) noexcept override {
    const auto answer = std::exchange(request.done, [](troupe::list_request&) noexcept {});
    good_->list(request);
    std::ranges::reverse(request.found);
    request.done = answer;
    request.done(request);
  }
};

class repeating_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void load(troupe::load_request& request) noexcept override {
    good_->load(request);
    request.done(request);
  }
};

/// Keeps nothing, and lets anybody in.
troupe::store_factory without_memory() {
  return [] { return troupe::memory{}(); };
}

template <class Broken>
std::string findings() {
  const troupe::store_factory good = troupe::memory{};
  std::string all;
  for (const std::string& found : troupe::testing::check_store([&] { return std::make_unique<Broken>(good()); })) {
    all += found + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("the suite passes a store that only forwards", "[store][check_store]") {
  CHECK(findings<forwarding_store>().empty());
}

TEST_CASE("the suite finds a store that forgets", "[store][check_store]") {
  CHECK_THAT(findings<forgetful_store>(), Contains("every field: what was created is loaded, every field of it"));
}

TEST_CASE("the suite finds a store that commits in pieces", "[store][check_store]") {
  CHECK_THAT(findings<piecemeal_store>(),
             Contains("mistakes: a commit that failed left no trace of its updates") &&
                 Contains("destroying: a correct commit succeeds, not:"));
}

TEST_CASE("the suite finds a store that lists in any order", "[store][check_store]") {
  const std::string found = findings<unsorted_store>();
  CHECK_THAT(found, Contains("listing: a list is in the order of ids"));
  CHECK(std::ranges::count(found, '\n') == 1);
}

TEST_CASE("the suite finds a store that answers twice", "[store][check_store]") {
  CHECK_THAT(findings<repeating_store>(), Contains("missing actors: a request is answered once"));
}

TEST_CASE("the suite finds a store that keeps nothing and has many owners", "[store][check_store]") {
  std::string all;
  for (const std::string& found : troupe::testing::check_store(without_memory())) all += found + "\n";
  CHECK_THAT(all, Contains("every field: what was committed is there after reopening") &&
                      Contains("ownership: a second owner is refused with store.in_use"));
}
