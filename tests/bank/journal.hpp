#pragma once

// What a life tells its parent: before an order is sent that it will be tried, after it how it went. One write each, so
// that records are whole whatever happens to the writer.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <unistd.h>

namespace bank_test {

struct record {
  enum class what : std::uint8_t {
    ready,      ///< the store is open, traffic begins
    finished,   ///< it ended by itself, after a shutdown
    complaint,  ///< text: something that must not be
    trying,     ///< an order will be sent
    accepted,   ///< it is in the payer's queue
    paid,       ///< it has been executed
    refused,    ///< it was not covered
  };

  what kind{};
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::uint32_t amount = 0;
  std::uint64_t number = 0;
  std::array<char, 160> text{};
};

class journal {
 public:
  explicit journal(int descriptor) noexcept : descriptor_{descriptor} {}

  void write(const record& r) const {
    static_assert(sizeof(record) <= 512, "a pipe takes this many bytes in one piece (POSIX)");
    if (::write(descriptor_, &r, sizeof r) != static_cast<ssize_t>(sizeof r)) ::_exit(3);  // nobody listens any more
  }
  void say(record::what kind) const { say(kind, 0); }
  void say(record::what kind, std::uint64_t number) const {
    record r;
    r.kind = kind;
    r.number = number;
    write(r);
  }
  void complain(std::string_view text) const {
    record r;
    r.kind = record::what::complaint;
    std::memcpy(r.text.data(), text.data(), std::min(text.size(), r.text.size() - 1));
    write(r);
  }

 private:
  int descriptor_;
};

}  // namespace bank_test
