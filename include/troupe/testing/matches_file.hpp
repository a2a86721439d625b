// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace troupe {
inline namespace v0 {
namespace testing {

/// Whether a text is what a file says, and what to do if not. True when it is; printed, it is the explanation.
class [[nodiscard]] file_match {
 public:
  file_match() = default;
  explicit file_match(std::string why_not) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return why_not_.empty(); }
  /// Names the file, the line and the place of the first difference, and how to accept the text; empty if it matches.
  [[nodiscard]] const std::string& explanation() const noexcept { return why_not_; }

  friend std::ostream& operator<<(std::ostream& out, const file_match& match);

 private:
  std::string why_not_;
};

/// Compares a text with a file that is committed beside the test, so that a change of wire names or of a state's shape
/// is seen and meant:
///
///     CHECK(troupe::testing::matches_file(troupe::describe<counter>(), "tests/counter.json"));
///
/// A newline at the end of either makes no difference. With TROUPE_UPDATE_FILES=1 in the environment the file is
/// written instead, if it differs or is missing, and matches. Throws nothing but `std::bad_alloc`.
[[nodiscard]] file_match matches_file(std::string_view text, const std::string& path);

}  // namespace testing
}  // namespace v0
}  // namespace troupe
