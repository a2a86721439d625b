// SPDX-License-Identifier: Apache-2.0
#include "git.hpp"

#include <array>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace git_activity {
namespace {

constexpr std::string_view commit_mark = "\x01";

/// Cuts the text up to the next `separator` off, and gives it.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t value = 0;  // "-" stands for the lines of a binary file
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// One record of `--numstat -z`: "1\t0\tpath", or "1\t0\t" and then, for a rename, the old and the new path.
change parse_change(std::string_view record, std::string_view& rest) {
  change result;
  result.delta.added = number_in(take_until(record, '\t'));
  result.delta.deleted = number_in(take_until(record, '\t'));
  if (record.empty()) {
    take_until(rest, '\0');
    record = take_until(rest, '\0');
  }
  result.path = record;
  return result;
}

std::map<std::string, std::uint64_t> count_each(std::string_view text, char separator) {
  std::map<std::string, std::uint64_t> counts;
  while (!text.empty()) {
    const auto item = take_until(text, separator);
    if (!item.empty()) ++counts[std::string{item}];
  }
  return counts;
}

}  // namespace

git::git(std::string path) : path_{std::move(path)} {
  const auto found = try_run({"rev-parse", "--verify", "--quiet", "HEAD^{commit}"});
  if (found) head_ = found->substr(0, found->find('\n'));
}

bool git::is_there() const { return try_run({"rev-parse", "--git-dir"}).has_value(); }

// With -z, names come as they are: no quoting, whatever bytes they have.
std::vector<commit> git::history() const {
  const std::string text = run({"log", "-z", "--reverse", "--numstat", "--find-renames", "--date=format:%H",
                                "--format=%x01%aN <%aE>%n%ad", head_});
  std::vector<commit> all;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view record = take_until(rest, '\0');
    if (record.starts_with('\n')) record.remove_prefix(1);
    if (record.empty()) continue;
    if (record.starts_with(commit_mark)) {
      commit& next = all.emplace_back();
      next.number = all.size();
      next.author = take_until(record, '\n').substr(commit_mark.size());
      next.hour = record;
    } else if (!all.empty()) {
      all.back().changes.push_back(parse_change(record, rest));
    }
  }
  return all;
}

verdict git::counts() const {
  verdict result;
  result.commits = number_in(run({"rev-list", "--count", head_}));

  const std::string people = run({"shortlog", "--summary", "--numbered", "--email", head_});
  for (std::string_view rest = people; !rest.empty();) {
    std::string_view line = take_until(rest, '\n');
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto count = number_in(take_until(line, '\t'));
    result.authors[std::string{line}] = count;
  }

  const std::string stats = run({"log", "--shortstat", "--find-renames", "--format=", head_});
  for (std::string_view rest = stats; !rest.empty();) {
    std::string_view line = take_until(rest, '\n');  // " 2 files changed, 1 insertion(+), 3 deletions(-)"
    while (!line.empty()) {
      std::string_view part = take_until(line, ',');
      part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
      const auto number = number_in(part);
      if (part.find(" file") != part.npos) result.touched += number;
      if (part.find("(+)") != part.npos) result.changed.added += number;
      if (part.find("(-)") != part.npos) result.changed.deleted += number;
    }
  }

  result.files = count_each(run({"log", "-z", "--name-only", "--find-renames", "--format=", head_}), '\0');
  result.hours = count_each(run({"log", "--date=format:%H", "--format=%ad", head_}), '\n');
  return result;
}

std::string git::run(const std::vector<std::string>& arguments) const {
  if (auto text = try_run(arguments)) return *std::move(text);
  throw std::runtime_error(fmt::format("'git {}' failed in '{}'", fmt::join(arguments, " "), path_));
}

// No shell, so that no name needs quoting. Whoever owns the repository, it may be read: nothing in its configuration
// is run by what we ask for.
std::optional<std::string> git::try_run(const std::vector<std::string>& arguments) const {
  std::vector<std::string> words{"git", "-C", path_, "-c", "safe.directory=*", "-c", "log.showSignature=false",
                                 "-c", "diff.renameLimit=1000"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw std::runtime_error("there are no more pipes");
  ::posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addclose(&actions, ends[0]);
  ::posix_spawn_file_actions_addclose(&actions, ends[1]);
  pid_t child = 0;
  const bool runs = ::posix_spawnp(&child, "git", &actions, nullptr, pointers.data(), environ) == 0;
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);

  std::string text;
  std::array<char, 65536> piece;
  ssize_t size = 0;
  while (runs && (size = ::read(ends[0], piece.data(), piece.size())) > 0) {
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  int status = -1;
  if (!runs || ::waitpid(child, &status, 0) != child || status != 0) return std::nullopt;
  return text;
}

}  // namespace git_activity
