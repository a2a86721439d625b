// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

namespace git_activity {
namespace {

constexpr std::size_t rows_max = 5;
constexpr std::size_t name_columns = 44;

bool is_terminal() {
  static const bool result = ::isatty(STDOUT_FILENO) == 1;
  return result;
}

std::string painted(std::string_view text, std::string_view code) {
  static const bool has_colour = is_terminal() && std::getenv("NO_COLOR") == nullptr;
  return has_colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string{text};
}

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string counted(std::uint64_t number, std::string_view thing) {
  return fmt::format("{} {}{}", grouped(number), thing, number == 1 ? "" : "s");
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::size_t columns_of(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, is_continuation));
}

enum class part { beginning, end };

/// A name as one may print it: nothing that a terminal obeys, and the telling part of it where it is too long.
std::string shown(std::string_view name, part telling) {
  std::string text{name};
  for (char& each : text) {
    if (static_cast<unsigned char>(each) < 0x20 || each == 0x7f) each = '?';
  }
  if (columns_of(text) > name_columns) {
    while (columns_of(text) >= name_columns) telling == part::end ? text.erase(0, 1) : text.erase(text.size() - 1);
    while (telling == part::end && is_continuation(text.front())) text.erase(0, 1);
    text = telling == part::end ? fmt::format("…{}", text) : fmt::format("{}…", text);
  }
  return text + std::string(name_columns - columns_of(text), ' ');
}

std::string drawing(std::string_view label, std::uint64_t done, std::uint64_t of) {
  constexpr std::size_t width = 30;
  const std::size_t full = of == 0 ? width : static_cast<std::size_t>(done * width / of);
  std::string cells;
  for (std::size_t i = 0; i < width; ++i) cells += i < full ? "█" : "░";
  return fmt::format("  {:<12}{} {:>7} of {}", label, cells, grouped(done), grouped(of));
}

void print_table(std::string_view title, const std::map<std::string, tally>& tallies, part telling) {
  std::vector<std::pair<std::string_view, tally>> rows(tallies.begin(), tallies.end());
  std::ranges::stable_sort(rows, [](const auto& a, const auto& b) {
    if (a.second.count != b.second.count) return a.second.count > b.second.count;
    return a.second.changed.added > b.second.changed.added;
  });
  const auto heading = fmt::format("{:<{}}", title, name_columns);
  fmt::print("\n  {}{}\n", strong(heading), faint("   commits      added    deleted"));
  const std::size_t shown_rows = std::min(rows.size(), rows_max);
  for (std::size_t i = 0; i < shown_rows; ++i) {
    const auto& [name, t] = rows[i];
    fmt::print("  {}{:>10} {:>10} {:>10}\n", shown(name, telling), grouped(t.count), grouped(t.changed.added),
               grouped(t.changed.deleted));
  }
  if (rows.size() > rows_max) fmt::print("  {}\n", faint(fmt::format("and {} more", grouped(rows.size() - rows_max))));
}

void print_hours(const std::map<std::string, std::uint64_t>& hours) {
  constexpr std::array<std::string_view, 9> steps{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::uint64_t most = 1;
  for (const auto& [hour, count] : hours) most = std::max(most, count);
  std::string line;
  for (int i = 0; i < 24; ++i) {
    const auto found = hours.find(fmt::format("{:02}", i));
    const auto count = found == hours.end() ? 0 : found->second;
    line += steps[(count * 8 + most - 1) / most];
    line += ' ';
  }
  fmt::print("\n  {}  0h {}24h\n", strong("hours"), line);
}

class comparison {
 public:
  void check(std::string_view what, std::uint64_t counted, std::uint64_t expected) {
    if (counted == expected) return;
    if (++differences_ <= 10) {
      fmt::print("  {} {}: the actors counted {}, it must be {}\n", bad("WRONG"), what, counted, expected);
    }
  }
  template <class Count>
  void check_all(std::string_view what, const std::map<std::string, Count>& counted,
                 const std::map<std::string, std::uint64_t>& expected) {
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> both;
    for (const auto& [name, count] : counted) both[name].first = number(count);
    for (const auto& [name, count] : expected) both[name].second = count;
    for (const auto& [name, counts] : both) check(fmt::format("{} {}", what, name), counts.first, counts.second);
  }
  [[nodiscard]] std::uint64_t differences() const noexcept { return differences_; }

 private:
  static std::uint64_t number(std::uint64_t n) { return n; }
  static std::uint64_t number(const tally& t) { return t.count; }
  std::uint64_t differences_ = 0;
};

tally sum_of(const std::map<std::string, tally>& tallies) {
  tally sum;
  for (const auto& [name, t] : tallies) {
    sum.count += t.count;
    sum.changed += t.changed;
  }
  return sum;
}

}  // namespace

std::string strong(std::string_view text) { return painted(text, "1"); }
std::string faint(std::string_view text) { return painted(text, "2"); }
std::string good(std::string_view text) { return painted(text, "32"); }
std::string bad(std::string_view text) { return painted(text, "1;31"); }

void bar::show(std::uint64_t done) const {
  if (!is_terminal()) return;
  fmt::print("\r{}", drawing(label_, done, of_));
  std::fflush(stdout);
}

void bar::end(std::uint64_t done, std::string_view how) const {
  fmt::print("{}{}  {}\n", is_terminal() ? "\r" : "", drawing(label_, done, of_), how);
  std::fflush(stdout);
}

void print_leaderboard(const summary& counted) {
  print_table("authors", counted.authors, part::beginning);
  print_table("files", counted.files, part::end);
  print_hours(counted.hours);
}

bool print_comparison(const summary& found, const verdict& expected, std::string_view witness) {
  const tally by_author = sum_of(found.authors);
  const tally by_file = sum_of(found.files);
  std::uint64_t by_hour = 0;
  for (const auto& [hour, count] : found.hours) by_hour += count;

  comparison compare;
  compare.check("commits", found.commits, expected.commits);
  compare.check("commits by author", by_author.count, expected.commits);
  compare.check("commits by hour", by_hour, expected.commits);
  compare.check("lines added, by author", by_author.changed.added, expected.changed.added);
  compare.check("lines added, by file", by_file.changed.added, expected.changed.added);
  compare.check("lines deleted, by author", by_author.changed.deleted, expected.changed.deleted);
  compare.check("lines deleted, by file", by_file.changed.deleted, expected.changed.deleted);
  compare.check("changes to files", by_file.count, expected.touched);
  compare.check_all("author", found.authors, expected.authors);
  compare.check_all("file", found.files, expected.files);
  compare.check_all("hour", found.hours, expected.hours);

  if (compare.differences() != 0) {
    fmt::print("\n  {} {} numbers differ from what {}\n", bad("FAILED:"), compare.differences(), witness);
    return false;
  }
  fmt::print("\n  {} {}: {} by {}, +{} -{} lines, {} to {}\n", good("exactly"), witness,
             counted(expected.commits, "commit"), counted(expected.authors.size(), "author"),
             grouped(expected.changed.added), grouped(expected.changed.deleted), counted(expected.touched, "change"),
             counted(expected.files.size(), "file"));
  return true;
}

}  // namespace git_activity
