// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "process.hpp"
#include "settings.hpp"

namespace lives {

using faults = std::vector<std::string>;

/// Lets a program live on one database, kills it with SIGKILL at a random instant, looks at what it left, and does so
/// again: `settings::rounds` kills, and a few lives in between that end by themselves. A round derives everything but
/// the timing from the seed and its number.
class killings {
 public:
  using milliseconds = std::chrono::milliseconds;

  virtual ~killings() = default;
  killings(const killings&) = delete;
  killings& operator=(const killings&) = delete;

  /// Returns the exit status of the test program. With a planted fault it is a success to find that.
  int run();

 protected:
  /// How long lives last, mostly short ones, from their first traffic on.
  struct span {
    milliseconds shortest;
    milliseconds longest;
  };
  struct plan {
    milliseconds kill_after{};
    bool from_the_start = false;  ///< the time counts from the start: the process may die while it opens the store
    bool ends_by_itself = false;
  };
  struct round {
    std::uint64_t number = 0;
    bool is_last = false;
    plan end;
    std::mt19937_64& random;  ///< for what else is to be chosen
  };

  killings(const settings& s, const std::string& name, span lives);

  /// One life, and what is wrong with what it left.
  virtual faults run_round(const round& r) = 0;
  /// For people: what has been done so far, and what holds if nothing was found.
  [[nodiscard]] virtual std::string done() const = 0;
  [[nodiscard]] virtual std::string_view holds() const = 0;

  [[nodiscard]] const settings& settings_of_test() const noexcept { return settings_; }
  [[nodiscard]] std::string database() const { return directory_ + "/life.db"; }
  /// A copy of the database as the last life left it, so that the next life is the first to open that, and a failure can
  /// be studied. Nothing if it was killed before there was a file.
  [[nodiscard]] std::optional<std::string> copy_database() const;

  /// Lets the program live once, with these arguments behind `--live` and the database, and passes all records of its
  /// journal to `hear`.
  template <class Record, class Hear>
  faults let_live(const plan& p, std::vector<std::string> words, Hear hear) {
    words.insert(words.begin(), {"--live", database()});
    process child{program_, std::move(words)};
    course c{p};
    Record r;
    for (auto news = process::news::said; news != process::news::silent;) {
      news = child.hear(r, c.until);
      if (news == process::news::late) {
        if (const char* const fault = c.time_is_up(child); fault != nullptr) return {fault};
      } else if (news == process::news::said) {
        using what = typename Record::what;
        if (r.kind == what::ready) c.is_ready();
        if (r.kind == what::complaint) c.found.push_back("it says: " + std::string{r.text.data()});
        if (r.kind == what::finished) c.finished = true;
        hear(r);
      }
    }
    c.has_ended(child.wait());
    return c.found;
  }

 private:
  /// Of one life.
  struct course {
    explicit course(const plan& p);
    void is_ready();
    /// Ends the life, or says why that was to have ended before.
    [[nodiscard]] const char* time_is_up(process& child);
    void has_ended(int status);

    const plan& how;
    process::time until;
    bool ready;
    bool ending = false;
    bool finished = false;
    faults found;
  };

  [[nodiscard]] plan draw(std::mt19937_64& random) const;
  int report(std::uint64_t round, const faults& found) const;

  const settings settings_;
  const span lives_;
  std::string directory_;
  std::string program_;
};

/// Runs `main` of a suite: `live` if the first word is `--live`, with the words behind it, else `test` with the settings.
template <class Live, class Test>
int run_main(const std::vector<std::string>& words, Live live, Test test) {
  if (!words.empty() && words[0] == "--live") return live(std::vector<std::string>{words.begin() + 1, words.end()});
  return test(settings_from(words));
}

}  // namespace lives
