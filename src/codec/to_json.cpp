// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <string>

#include <fmt/format.h>

#include <troupe/codec/cbor.hpp>
#include <troupe/codec/json_text.hpp>

#include "base64.hpp"

namespace troupe {
inline namespace v0 {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

// Keys that are not text, within such keys. What is quoted within quotes doubles each time.
constexpr int nested_keys_max = 3;

// The size of the well-formed UTF-8 sequence that `text` begins with, or 0 (Unicode 15, table 3-7).
std::size_t utf8_sequence(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3
                           : first >= 0xf0 && first <= 0xf4                                    ? 4
                                                                                               : 0;
  if (size == 0 || text.size() < size) return 0;
  const unsigned lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < lowest || byte(1) > highest) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return size;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      if (static_cast<unsigned char>(c) < 0x20) out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
      else out += c;
  }
}

class json_printer {
 public:
  json_printer(cbor_reader& in, std::string& out, int nested_keys = 0)
      : in_{in}, out_{out}, nested_keys_{nested_keys} {}

  void value() {
    switch (in_.peek()) {
      case cbor_type::unsigned_integer:
      case cbor_type::negative_integer: return integer();
      case cbor_type::floating: return number(in_.floating());
      case cbor_type::byte_string: return binary();
      case cbor_type::text: return detail::append_json_string(out_, in_.text(scratch_));
      case cbor_type::array: return array();
      case cbor_type::map: return map();
      case cbor_type::simple: return simple();
    }
  }

 private:
  // CBOR's negative integers go down to -2^64; those that no 64-bit type holds lose digits, as in JSON everywhere.
  void integer() {
    if (in_.peek() == cbor_type::unsigned_integer) {
      out_ += fmt::format_int{in_.integer<std::uint64_t>()}.c_str();
    } else if (const auto exact = in_.integer_if<std::int64_t>()) {
      out_ += fmt::format_int{*exact}.c_str();
    } else {
      number(in_.floating());
    }
  }
  void number(double value) {
    if (!std::isfinite(value)) {
      out_ += "null";
      return;
    }
    const std::string text = fmt::format("{}", value);
    out_ += text;
    if (text.find_first_of(".e") == std::string::npos) out_ += ".0";  // stays a number with a fraction
  }
  void binary() {
    bytes pieces;
    out_ += fmt::format(R"(["$Uint8Array","{}"])", detail::base64_encode(in_.byte_string(pieces)));
  }
  void array() {
    out_ += '[';
    std::size_t count = 0;
    std::size_t dollar = 0;
    for (auto items = in_.array(); items.next(); ++count) {
      if (count != 0) out_ += ',';
      const std::size_t begin = out_.size();
      value();
      if (count == 0 && out_.compare(begin, 2, "\"$") == 0) dollar = begin + 1;
    }
    if (count == 2 && dollar != 0) out_.insert(dollar, 1, '$');
    out_ += ']';
  }
  void map() {
    out_ += '{';
    bool first = true;
    for (auto entries = in_.map(); entries.next(); first = false) {
      if (!first) out_ += ',';
      key();
      out_ += ':';
      value();
    }
    out_ += '}';
  }
  void key() {
    if (in_.peek() == cbor_type::text) return value();
    if (nested_keys_ == nested_keys_max) in_.fail(fmt::format("keys within keys, more than {} times", nested_keys_max));
    std::string text;
    json_printer{in_, text, nested_keys_ + 1}.value();
    detail::append_json_string(out_, text);
  }
  void simple() {
    if (in_.take_null()) {
      out_ += "null";
    } else {
      out_ += in_.boolean() ? "true" : "false";
    }
  }

  cbor_reader& in_;
  std::string& out_;
  int nested_keys_;
  std::string scratch_;
};

}  // namespace

namespace detail {

std::string read_json_key(cbor_reader& in) {
  std::string key;
  if (in.peek() == cbor_type::text) in.text_into(key);
  else json_printer{in, key, 1}.value();
  return key;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t size = utf8_sequence(text);
    if (size == 0) {
      out += replacement;
    } else if (size == 1) {
      append_escaped(out, text[0]);
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

}  // namespace detail

std::string to_json(bytes_view cbor) {
  std::string out;
  cbor_reader in{cbor};
  json_printer{in, out}.value();
  in.finish();
  return out;
}

}  // namespace v0
}  // namespace troupe
