// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <string_view>

#include <troupe/core/bytes.hpp>
#include <troupe/core/error.hpp>

/// What the targets share. A target is a function of bytes that holds up promises: a broken one ends the process, which
/// is what libFuzzer and the replay (replay.cpp) take for a finding. An exception that no target catches ends it too, so
/// that nothing but `troupe::error` may come out of the library.
namespace fuzz {

/// Ends the process unless the promise holds.
inline void check(bool holds, std::string_view promise, std::string_view detail = {}) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s %s\n", std::string{promise}.c_str(), std::string{detail}.c_str());
  std::abort();
}

/// Whether the call went through. It may be refused, with this error and no other.
template <class Call>
bool accepted(troupe::errc refusal, const Call& call) {
  try {
    call();
    return true;
  } catch (const troupe::error& why) {
    check(why.is(refusal), "bytes are refused as what they are:", why.what());
    return false;
  }
}
template <class Call>
bool accepted(const Call& call) {
  return accepted(troupe::errc::invalid_data, call);
}

inline std::string_view text_of(troupe::bytes_view view) {
  return {reinterpret_cast<const char*>(view.data()), view.size()};
}
inline bool same(troupe::bytes_view a, troupe::bytes_view b) { return text_of(a) == text_of(b); }

/// The bytes of one run, taken piece by piece. It gives zeros and empty pieces when there is nothing left.
class input {
 public:
  input(const std::uint8_t* data, std::size_t size) : left_{std::as_bytes(std::span{data, size})} {}

  [[nodiscard]] bool empty() const noexcept { return left_.empty(); }
  [[nodiscard]] unsigned byte() {
    const troupe::bytes_view one = take(1);
    return one.empty() ? 0 : std::to_integer<unsigned>(one.front());
  }
  /// A piece whose size stands before it, in two bytes.
  [[nodiscard]] troupe::bytes_view piece() {
    const unsigned low = byte();
    return take(low | byte() << 8);
  }
  [[nodiscard]] troupe::bytes_view rest() { return take(left_.size()); }

 private:
  troupe::bytes_view take(std::size_t size) {
    const troupe::bytes_view taken = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

  troupe::bytes_view left_;
};

}  // namespace fuzz
