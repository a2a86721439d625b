#pragma once

#include <memory>
#include <string>
#include <utility>

#include <troupe/store/memory_store.hpp>
#include <troupe/testing/check_store.hpp>

/// A good store, to be broken in one way each.
class forwarding_store : public troupe::store {
 public:
  explicit forwarding_store(std::unique_ptr<troupe::store> good) : good_{std::move(good)} {}
  void load(troupe::load_request& request) noexcept override { good_->load(request); }
  void list(troupe::list_request& request) noexcept override { good_->list(request); }
  void list_outgoing(troupe::outgoing_request& request) noexcept override { good_->list_outgoing(request); }
  void list_waiting(troupe::waiting_request& request) noexcept override { good_->list_waiting(request); }
  void list_parts(troupe::parts_request& request) noexcept override { good_->list_parts(request); }
  void list_due(troupe::due_request& request) noexcept override { good_->list_due(request); }
  [[nodiscard]] std::uint64_t opening() const noexcept override { return good_->opening(); }
  void commit(troupe::commit_request& request) noexcept override { good_->commit(request); }
  void backup(const std::string& path) override { good_->backup(path); }
  void close() noexcept override { good_->close(); }

 protected:
  std::unique_ptr<troupe::store> good_;
};

/// Commits what `Spoil` has made of a request.
template <void (*Spoil)(troupe::commit_request&)>
class spoiling_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    Spoil(request);
    good_->commit(request);
  }
};

/// What the suite says of a broken store, a line each.
template <class Broken>
std::string findings() {
  const troupe::store_factory good = troupe::memory{};
  std::string all;
  for (const std::string& found : troupe::testing::check_store([&] { return std::make_unique<Broken>(good()); })) {
    all += found + "\n";
  }
  return all;
}
