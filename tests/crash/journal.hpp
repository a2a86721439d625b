#pragma once

// What a life tells its parent through the pipe: before an operation that it will be tried, after it that it was
// acknowledged. One write each, so that records are whole whatever happens to the writer.

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#include <unistd.h>

#include <troupe/core/actor_id.hpp>

namespace crash {

struct record {
  enum class what : std::uint8_t {
    ready,        ///< the store is open, traffic begins
    finished,     ///< it ended by itself, after a shutdown
    complaint,    ///< text: something that must not be
    counter_add,
    counter_read,
    wallet_send,  ///< value: the route, a byte for each stop, 0xff behind the last
    wallet_tell,
    mayfly_create,
    mayfly_touch,
    mayfly_end,
    gauge_tick,   ///< acknowledged only where it was saved
  };

  what kind{};
  bool acknowledged = false;
  std::uint16_t subject = 0;     ///< which counter, wallet, ...
  std::uint64_t value = 0;
  troupe::actor_id id{};
  std::array<char, 200> text{};
};

class journal {
 public:
  explicit journal(int descriptor) noexcept : descriptor_{descriptor} {}

  void trying(record::what kind, std::size_t subject, std::uint64_t value = 0, const troupe::actor_id& id = {}) const {
    write({.kind = kind, .subject = static_cast<std::uint16_t>(subject), .value = value, .id = id});
  }
  void done(record::what kind, std::size_t subject, std::uint64_t value = 0, const troupe::actor_id& id = {}) const {
    const auto which = static_cast<std::uint16_t>(subject);
    write({.kind = kind, .acknowledged = true, .subject = which, .value = value, .id = id});
  }
  void complain(std::string_view text) const {
    record r{.kind = record::what::complaint};
    std::memcpy(r.text.data(), text.data(), std::min(text.size(), r.text.size() - 1));
    write(r);
  }
  void say(record::what kind) const { write({.kind = kind}); }

 private:
  void write(const record& r) const {
    static_assert(sizeof(record) <= 512, "a pipe takes this many bytes in one piece (POSIX)");
    if (::write(descriptor_, &r, sizeof r) != static_cast<ssize_t>(sizeof r)) ::_exit(3);  // nobody listens any more
  }
  int descriptor_;
};

}  // namespace crash
