// SPDX-License-Identifier: Apache-2.0
// The small languages: keys, actors' ids, base64.

#include <optional>
#include <string>
#include <vector>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/key.hpp>

#include "base64.hpp"
#include "fuzz.hpp"

namespace {

using fuzz::check;

void read_key(std::string_view text) {
  const auto too_large = troupe::errc::key_too_large;
  troupe::key parsed;
  if (fuzz::accepted(too_large, [&] { parsed = troupe::key::parse(text); })) {
    check(troupe::key::parse(parsed.canonical()) == parsed, "a key is what its canonical form says");
    check(troupe::key{parsed.segments()} == parsed, "a key is the list of its segments");
  }
  std::vector<std::string> segments;  // the text as a list, by lines
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    segments.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  troupe::key made;
  if (fuzz::accepted(too_large, [&] { made = troupe::key{segments}; })) {
    check(made.segments() == segments, "a key has the segments it was made of");
    check(troupe::key::parse(made.canonical()).segments() == segments, "two keys are equal when their lists are");
  }
}

void read_id(std::string_view text) {
  const std::optional<troupe::actor_id> id = troupe::actor_id::parse(text);
  if (!id) return;
  const auto same_digit = [](char a, char b) { return a == b || (a >= 'A' && a <= 'F' && a - 'A' == b - 'a'); };
  check(std::ranges::equal(text, id->str(), same_digit), "an id is printed as it was read");
  check(troupe::actor_id::parse(id->str()) == id, "an id reads as it was printed");
}

void read_base64(std::string_view text) {
  namespace detail = troupe::detail;
  const auto raw = std::as_bytes(std::span{text});
  const std::optional<troupe::bytes> back = detail::base64_decode(detail::base64_encode(raw));
  check(back && fuzz::same(*back, raw), "bytes come back from their base64");
  const std::optional<troupe::bytes> decoded = detail::base64_decode(text);
  if (!decoded) return;
  const std::string encoded = detail::base64_encode(*decoded);
  check(encoded.size() % 4 == 0 && encoded.size() <= text.size() + 3, "base64 is padded");
  check(detail::base64_decode(encoded) == decoded, "base64 says one thing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  read_key(text);
  read_id(text);
  read_base64(text);
  return 0;
}
