// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include <sys/types.h>

namespace lives {

inline constexpr std::chrono::seconds patience{60};  // for what takes a moment, on a machine that is busy

/// A life in a process of its own: this program again, so that it begins from nothing. Its standard output is a journal
/// of records, each written in one piece; its standard input a leash, which says by closing that it should end.
class process {
 public:
  using time = std::chrono::steady_clock::time_point;

  process(const std::string& program, std::vector<std::string> words);
  /// Kills it, if it has not been waited for.
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  void kill() const;
  void let_go();

  enum class news { said, late, silent };

  /// The next record, if it comes in time; `silent` when there will be none.
  template <class Record>
  news hear(Record& r, time until) {
    static_assert(std::is_trivially_copyable_v<Record>);
    if (const news what = fill(sizeof r, until); what != news::said) return what;
    std::memcpy(&r, heard_.data() + taken_, sizeof r);
    taken_ += sizeof r;
    return news::said;
  }

  /// What waitpid says.
  int wait();

 private:
  news fill(std::size_t record_bytes, time until);

  pid_t pid_ = -1;
  int journal_ = -1;
  int leash_ = -1;
  std::vector<std::byte> heard_;
  std::size_t taken_ = 0;
};

}  // namespace lives
