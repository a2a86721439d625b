#pragma once

#include <string>

namespace troupe::inline v0 { namespace detail {

/// Copies the database at `from` as it is now, with everything that others keep in it, to `to`, which must not exist.
/// Commits go on meanwhile. The copy gets its name when it is complete and on disk. Throws `troupe::error`.
void back_up_database(const std::string& from, const std::string& to);

/// Throws if there is something at `path`.
void check_is_free(const std::string& path);

}}  // namespace troupe::v0::detail
