// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <type_traits>

#include <unistd.h>

namespace lives {

/// Tells the parent process, through a pipe, what a life does. A record has a `kind`, among them `ready`, `finished` and
/// `complaint`, and a `text` for the last. Each is one write, so that it is whole whatever happens to the writer.
template <class Record>
class journal {
 public:
  using what = typename Record::what;

  explicit journal(int descriptor) noexcept : descriptor_{descriptor} {}

  void write(const Record& r) const {
    static_assert(sizeof(Record) <= 512, "a pipe takes this many bytes in one piece (POSIX)");
    static_assert(std::is_trivially_copyable_v<Record>);
    if (::write(descriptor_, &r, sizeof r) != static_cast<ssize_t>(sizeof r)) ::_exit(3);  // the parent is gone
  }
  void say(what kind) const {
    Record r;
    r.kind = kind;
    write(r);
  }
  void complain(std::string_view text) const {
    Record r;
    r.kind = what::complaint;
    std::memcpy(r.text.data(), text.data(), std::min(text.size(), r.text.size() - 1));
    write(r);
  }

 private:
  int descriptor_;
};

}  // namespace lives
