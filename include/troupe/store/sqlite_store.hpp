#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <troupe/store/store.hpp>

namespace troupe::inline v0 {

/// How far a commit goes before it counts.
enum class synchronous {
  full,    ///< survives a power cut: every commit waits for the disk
  normal,  ///< survives a killed process, not a power cut; much faster
};

struct sqlite_options {
  troupe::synchronous synchronous = troupe::synchronous::full;
};

/// Keeps actors in one SQLite database file (WAL mode), which is made if it is missing. It stands in
/// `runtime_options::store`: `{.store = troupe::sqlite{"app.db"}}`.
///
/// One runtime owns the file: a second one, in this or another process, gets `store.in_use` at once. Other programs may
/// read it, and may have tables of their own in it; ours are named `_troupe_*`. A file that is not a database, was
/// written by a newer troupe, or cannot be written is refused with an error that says so, and is left as it was.
class sqlite {
 public:
  explicit sqlite(std::string path) : path_{std::move(path)} {}
  sqlite(std::string path, sqlite_options options) : path_{std::move(path)}, options_{options} {}

  /// Opens it, as `store_factory` says.
  [[nodiscard]] std::unique_ptr<store> operator()() const;

 private:
  std::string path_;
  sqlite_options options_;
};

}  // namespace troupe::inline v0
