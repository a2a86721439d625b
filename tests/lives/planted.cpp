// SPDX-License-Identifier: Apache-2.0
#include "planted.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "../store/forwarding_store.hpp"

namespace lives {
namespace {

/// A copy of a request that needs nothing of the original.
class own_request : public troupe::commit_request {
 public:
  explicit own_request(const troupe::commit_request& from) {
    epoch = from.epoch;
    writes = from.writes;
    undeliverable = from.undeliverable;
    done = [](troupe::commit_request&) noexcept {};
    for (troupe::write_set& write : writes) {
      write.state = keep(write.state);
      write.messages = keep(write.messages);
      write.removed = keep(write.removed);
      write.sent = keep(write.sent);
      write.arrived = keep(write.arrived);
      write.parts = keep(write.parts);
      if (write.created == nullptr) continue;
      auto& creation = *creations_.emplace_back(std::make_unique<troupe::write_set::creation>(*write.created));
      creation.name = *texts_.emplace_back(std::make_unique<std::string>(creation.name));
      creation.key = *texts_.emplace_back(std::make_unique<std::string>(creation.key));
      if (creation.input) creation.input = keep(*creation.input);
      if (creation.labels != nullptr) {
        creation.labels = labels_.emplace_back(std::make_unique<troupe::tags>(*creation.labels)).get();
      }
      write.created = &creation;
    }
  }

 private:
  troupe::bytes_view keep(troupe::bytes_view view) {
    return *bytes_.emplace_back(std::make_unique<troupe::bytes>(view.begin(), view.end()));
  }
  std::span<const std::uint64_t> keep(std::span<const std::uint64_t> ids) {
    return ids_.emplace_back(ids.begin(), ids.end());
  }
  std::span<const troupe::write_set::message> keep(std::span<const troupe::write_set::message> messages) {
    auto& kept = messages_.emplace_back(messages.begin(), messages.end());
    for (auto& message : kept) {
      message.queue = *texts_.emplace_back(std::make_unique<std::string>(message.queue));
      message.body = keep(message.body);
    }
    return kept;
  }
  std::span<const troupe::write_set::sent_message> keep(std::span<const troupe::write_set::sent_message> sent) {
    auto& kept = sent_.emplace_back(sent.begin(), sent.end());
    for (auto& message : kept) message.content = keep(message.content);
    return kept;
  }
  std::span<const troupe::part_change> keep(std::span<const troupe::part_change> changes) {
    auto& kept = parts_.emplace_back(changes.begin(), changes.end());
    for (auto& change : kept) {
      change.key = keep(change.key);
      if (change.value) change.value = keep(*change.value);
    }
    return kept;
  }
  std::deque<std::vector<std::uint64_t>> ids_;
  std::deque<std::vector<troupe::write_set::message>> messages_;
  std::deque<std::vector<troupe::write_set::sent_message>> sent_;
  std::deque<std::vector<troupe::part_change>> parts_;
  std::vector<std::unique_ptr<troupe::bytes>> bytes_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::vector<std::unique_ptr<troupe::write_set::creation>> creations_;
  std::vector<std::unique_ptr<troupe::tags>> labels_;
};

/// Says that a commit is durable before it is. Every read waits until the commit has been made.
class early_store final : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void load(troupe::load_request& request) noexcept override {
    wait();
    good_->load(request);
  }
  void list(troupe::list_request& request) noexcept override {
    wait();
    good_->list(request);
  }
  void list_outgoing(troupe::outgoing_request& request) noexcept override {
    wait();
    good_->list_outgoing(request);
  }
  void list_waiting(troupe::waiting_request& request) noexcept override {
    wait();
    good_->list_waiting(request);
  }
  void list_parts(troupe::parts_request& request) noexcept override {
    wait();
    good_->list_parts(request);
  }
  void list_due(troupe::due_request& request) noexcept override {
    wait();
    good_->list_due(request);
  }
  void commit(troupe::commit_request& request) noexcept override {
    own_request real{request};
    const std::lock_guard lock{committing_};
    request.result = troupe::commit_request::outcome::committed;
    request.done(request);
    good_->commit(real);
  }

 private:
  void wait() { const std::lock_guard lock{committing_}; }
  std::recursive_mutex committing_;
};

class tearing_store final : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    auto writes = std::exchange(request.writes, {});
    const auto others = std::partition(writes.begin(), writes.end(), [](const auto& write) {
      return write.what == troupe::write_set::action::destroy;
    });
    std::shuffle(others, writes.end(), random_);
    for (const troupe::write_set& write : writes) {
      request.writes = {write};
      commit_quietly(request);
      if (request.failure != nullptr) break;
    }
    request.writes = std::move(writes);
    request.done(request);
  }

 private:
  std::mt19937 random_{std::random_device{}()};
};

class losing_store final : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    std::erase_if(request.writes, [this](const troupe::write_set& write) {
      return write.what == troupe::write_set::action::update && random_() % 100 == 0;
    });
    good_->commit(request);
  }

 private:
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace

troupe::store_factory plant(const std::string& name, troupe::store_factory good) {
  if (name.empty()) return good;
  if (name == "ack-before-commit") return before_each<early_store>(std::move(good));
  if (name == "torn-epoch") return before_each<tearing_store>(std::move(good));
  if (name == "lost-write") return before_each<losing_store>(std::move(good));
  throw std::invalid_argument("there is no fault '" + name + "' to plant");
}

}  // namespace lives
