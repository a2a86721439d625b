// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

struct memory_contents;

}  // namespace detail

/// Keeps actors in this process's memory: for tests and for actors that need not outlive the program. It stands in
/// `runtime_options::store`. Copies share one store, so a second runtime that is given the same object after the first
/// has shut down finds the first one's actors; while the first runs, it gets `store.in_use`.
class memory {
 public:
  /// With `commit_cut::per_actor` it takes the changes of each actor by themselves, as a store on another machine does:
  /// for tests of programs that will run on one.
  explicit memory(commit_cut cut = commit_cut::whole_store);

  /// Opens it, as `store_factory` says.
  [[nodiscard]] std::unique_ptr<store> operator()() const;

 private:
  std::shared_ptr<detail::memory_contents> contents_;
  commit_cut cut_;
};

}  // namespace v0
}  // namespace troupe
