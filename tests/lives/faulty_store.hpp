#pragma once

#include <memory>
#include <utility>

#include <troupe/store/store.hpp>

namespace lives {

/// A store before another: what is derived from it breaks a promise.
class faulty_store : public troupe::store {
 public:
  explicit faulty_store(std::unique_ptr<troupe::store> good) : good_{std::move(good)} {}
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
  /// Commits, and leaves the answer in `request`.
  void commit_quietly(troupe::commit_request& request) noexcept {
    const auto answer = std::exchange(request.done, [](troupe::commit_request&) noexcept {});
    good_->commit(request);
    request.done = answer;
  }
  std::unique_ptr<troupe::store> good_;
};

template <class Faulty>
troupe::store_factory wrap(troupe::store_factory good) {
  return [good = std::move(good)] { return std::make_unique<Faulty>(good()); };
}

}  // namespace lives
