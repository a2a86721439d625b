// SPDX-License-Identifier: Apache-2.0
#include <troupe/testing/matches_file.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <ostream>

#include <fmt/format.h>

namespace troupe {
inline namespace v0 {
namespace testing {
namespace {

constexpr std::size_t shown_before = 30;  // of a line, around the difference: a manifest is one long line
constexpr std::size_t shown_after = 50;

std::optional<std::string> contents_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
  if (file.bad()) return std::nullopt;
  return text;
}

bool write(const std::string& path, std::string_view text) {
  std::ofstream file{path, std::ios::binary | std::ios::trunc};
  file << text << '\n' << std::flush;
  return file.good();
}

std::string_view without_last_newline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

bool may_write() {
  const char* const wish = std::getenv("TROUPE_UPDATE_FILES");
  return wish != nullptr && std::string_view{wish} == "1";
}

std::string_view line_around(std::string_view text, std::size_t at) {
  const auto before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  const auto begin = before == std::string_view::npos ? 0 : before + 1;
  const auto end = std::min(text.find('\n', at), text.size());
  return text.substr(begin, end - begin);
}

std::string excerpt(std::string_view text, std::size_t at) {
  const auto line = line_around(text, at);
  const auto column = at - static_cast<std::size_t>(line.data() - text.data());
  const auto begin = column > shown_before ? column - shown_before : 0;
  const auto shown = line.substr(begin, column - begin + shown_after);
  return fmt::format("{}{}{}", begin == 0 ? "" : "...", shown, begin + shown.size() == line.size() ? "" : "...");
}

std::string explain(std::string_view text, std::string_view in_file, const std::string& path) {
  const auto [here, there] = std::mismatch(text.begin(), text.end(), in_file.begin(), in_file.end());
  const auto at = static_cast<std::size_t>(here - text.begin());
  const auto line = 1 + std::count(text.begin(), here, '\n');
  const auto column = 1 + at - static_cast<std::size_t>(line_around(text, at).data() - text.data());
  return fmt::format(
      "troupe: {} differs from what it should say, first in line {}, column {}:\n  the file: {}\n  it is now: {}\n"
      "If the change is meant, run again with TROUPE_UPDATE_FILES=1 and commit the file.",
      path, line, column, excerpt(in_file, at), excerpt(text, at));
}

}  // namespace

file_match::file_match(std::string why_not) noexcept : why_not_{std::move(why_not)} {}

std::ostream& operator<<(std::ostream& out, const file_match& match) {
  return out << (match ? "matches" : match.explanation());
}

file_match matches_file(std::string_view text, const std::string& path) {
  const auto wanted = without_last_newline(text);
  const auto in_file = contents_of(path);
  if (in_file && without_last_newline(*in_file) == wanted) return {};
  if (may_write()) {
    if (write(path, wanted)) return {};
    return file_match{fmt::format("troupe: {} cannot be written; check its directory and permissions", path)};
  }
  if (!in_file) {
    return file_match{fmt::format(
        "troupe: {} cannot be read; run again with TROUPE_UPDATE_FILES=1 to write it, then commit it", path)};
  }
  return file_match{explain(wanted, without_last_newline(*in_file), path)};
}

}  // namespace testing
}  // namespace v0
}  // namespace troupe
