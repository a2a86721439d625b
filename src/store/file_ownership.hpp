#pragma once

#include <memory>

#include "database_file.hpp"

namespace troupe::inline v0 { namespace detail {

/// Ownership of a database file: at any time one object has it, in all processes. It is given up by the destructor, and
/// taken back when the process ends, however it ends.
///
/// It is a lock on a file of its own, `<path>-troupe-lock`. Not on the database: SQLite's locks there must let other
/// programs read, and closing a second descriptor of the database would drop them. The file stays when the owner goes,
/// because another process may be about to lock it.
class file_ownership {
 public:
  file_ownership() = default;
  file_ownership(const file_ownership&) = delete;
  file_ownership& operator=(const file_ownership&) = delete;
  virtual ~file_ownership() = default;

  /// The database is ours. Without this, a lock file that was not there before is removed again where that is safe.
  virtual void keep() noexcept {}
};

/// `file` has been resolved. Throws `store.in_use`, with the owner's process id if that is known, and others.
[[nodiscard]] std::unique_ptr<file_ownership> own(const database_file& file);

}}  // namespace troupe::v0::detail
