// SPDX-License-Identifier: Apache-2.0
#include "cbor_place.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include <troupe/codec/cbor.hpp>

namespace troupe {
inline namespace v0 {
namespace {

using detail::cbor_indefinite;

constexpr std::size_t quoted_bytes_max = 40;
constexpr std::size_t path_bytes_max = 400;

struct head {
  unsigned major;
  unsigned low;
  std::uint64_t number;
  std::size_t size;
};

std::optional<head> head_at(bytes_view encoded, std::size_t at) noexcept {
  if (at >= encoded.size()) return std::nullopt;
  const auto initial = std::to_integer<unsigned>(encoded[at]);
  head found{initial >> 5, initial & 0x1f, initial & 0x1f, 1};
  if (found.low < 24 || found.low == cbor_indefinite) return found;
  if (found.low > 27) return std::nullopt;
  const std::size_t width = std::size_t{1} << (found.low - 24);
  if (encoded.size() - at - 1 < width) return std::nullopt;
  found.number = 0;
  for (std::size_t i = at + 1; i <= at + width; ++i) {
    found.number = found.number << 8 | std::to_integer<unsigned>(encoded[i]);
  }
  found.size += width;
  return found;
}

std::string_view text_at(bytes_view encoded, std::size_t at, std::uint64_t size) noexcept {
  const std::size_t there = std::min<std::uint64_t>(size, encoded.size() - at);
  return {reinterpret_cast<const char*>(encoded.data() + at), there};
}

// Printable and short.
std::string quoted(std::string_view text) {
  std::string out{'"'};
  for (const char c : text.substr(0, quoted_bytes_max)) out += c < ' ' || c == '"' || c == '\x7f' ? '?' : c;
  out += text.size() > quoted_bytes_max ? "...\"" : "\"";
  return out;
}

bool is_identifier(std::string_view text) noexcept {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && text.size() <= quoted_bytes_max && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || digit(c); });
}

// Walks over whole items until the wanted one begins or the data cannot be followed; then `path` is the way there.
class walk {
 public:
  walk(bytes_view encoded, std::size_t target) : encoded_{encoded}, target_{target} {}

  // True when the walk has ended, in this item or inside of it.
  bool item(int depth) {
    if (at_ >= target_ || depth > cbor_depth_max) return true;
    const std::optional<head> found = head_at(encoded_, at_);
    if (!found) return true;
    at_ += found->size;
    switch (found->major) {
      case 2:
      case 3: return found->low == cbor_indefinite ? pieces(depth) : string(found->number);
      case 4: return elements(*found, depth);
      case 5: return entries(*found, depth);
      case 6: return item(depth + 1);
      default: return false;
    }
  }

  std::string path;

 private:
  bool string(std::uint64_t size) {
    if (size > encoded_.size() - at_) return true;
    at_ += static_cast<std::size_t>(size);
    return at_ > target_;
  }
  bool pieces(int depth) {
    while (!at_break()) {
      if (item(depth + 1)) return true;
    }
    return false;
  }
  bool elements(const head& array, int depth) {
    for (std::uint64_t i = 0; more(array, i); ++i) {
      if (inside(fmt::format("[{}]", i), depth)) return true;
    }
    return false;
  }
  bool entries(const head& map, int depth) {
    for (std::uint64_t i = 0; more(map, i); ++i) {
      const std::string name = key_name();
      if (item(depth + 1) || at_ >= encoded_.size()) {
        path += name + (at_ >= encoded_.size() ? "" : " (the key)");
        return true;
      }
      if (inside(name, depth)) return true;
    }
    return false;
  }
  bool inside(const std::string& step, int depth) {
    const std::size_t before = path.size();
    path += step;
    if (item(depth + 1)) return true;
    path.resize(before);
    return false;
  }

  bool more(const head& container, std::uint64_t i) {
    return container.low == cbor_indefinite ? !at_break() : i < container.number;
  }
  bool at_break() {
    if (at_ >= encoded_.size() || encoded_[at_] != std::byte{0xff}) return false;
    ++at_;
    return true;
  }
  std::string key_name() const {
    const std::optional<head> found = head_at(encoded_, at_);
    if (!found) return "[?]";
    if (found->major == 0) return fmt::format("[{}]", found->number);
    if (found->major != 3 || found->low == cbor_indefinite) return "[?]";
    const std::string_view text = text_at(encoded_, at_ + found->size, found->number);
    if (!is_identifier(text)) return fmt::format("[{}]", quoted(text));
    return path.empty() ? std::string{text} : fmt::format(".{}", text);
  }

  bytes_view encoded_;
  std::size_t target_;
  std::size_t at_ = 0;
};

std::string simple_name(unsigned low) {
  switch (low) {
    case 20: return "false";
    case 21: return "true";
    case 22: return "null";
    case 23: return "undefined";
    case 25:
    case 26:
    case 27: return "a number that is not an integer";
    case cbor_indefinite: return "the end of an array or map";
    default: return "an unknown simple value";
  }
}

}  // namespace

namespace detail {

std::string cbor_path(bytes_view encoded, std::size_t offset) {
  walk way{encoded, offset};
  if (!way.item(0)) way.path.clear();
  if (way.path.size() > path_bytes_max) way.path = way.path.substr(0, path_bytes_max) + "...";
  return way.path;
}

std::string cbor_found(bytes_view encoded, std::size_t offset) {
  if (offset >= encoded.size()) return "the end of the data";
  const std::optional<head> found = head_at(encoded, offset);
  if (!found) return "a malformed or cut off item";
  switch (found->major) {
    case 0: return fmt::format("the integer {}", found->number);
    case 1:
      return found->number == UINT64_MAX ? "the integer -18446744073709551616"
                                         : fmt::format("the integer -{}", found->number + 1);
    case 2:
      return found->low == cbor_indefinite ? "a byte string" : fmt::format("a string of {} bytes", found->number);
    case 3:
      return found->low == cbor_indefinite ? "text"
                                      : "the text " + quoted(text_at(encoded, offset + found->size, found->number));
    case 4: return found->low == cbor_indefinite ? "an array" : fmt::format("an array of {}", found->number);
    case 5: return found->low == cbor_indefinite ? "a map" : fmt::format("a map of {}", found->number);
    case 6: return fmt::format("something tagged {}", found->number);
    default: return simple_name(found->low);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
