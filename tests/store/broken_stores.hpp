// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <troupe/store/memory_store.hpp>
#include <troupe/testing/check_store.hpp>

#include "forwarding_store.hpp"

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

/// The findings of the suite about a broken store, a line each.
template <class Broken>
std::string findings() {
  const troupe::store_factory good = troupe::memory{};
  std::string all;
  for (const std::string& found : troupe::testing::check_store([&] { return std::make_unique<Broken>(good()); })) {
    all += found + "\n";
  }
  return all;
}
