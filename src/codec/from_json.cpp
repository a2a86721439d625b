// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <troupe/codec/cbor.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>

#include "base64.hpp"

namespace troupe {
inline namespace v0 {
namespace {

[[noreturn]] void fail(std::string_view complaint) {
  throw error(errc::invalid_data, fmt::format("JSON text: {}", complaint));
}

// Hears the events of nlohmann's parser and writes CBOR as they come. How many items an array or map has is known at
// its end only, and its head may then need more than the one byte that was kept for it; so the heads are noted, and
// put in at the end.
class cbor_builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return item([](cbor_writer& out) { out.null(); }); }
  bool boolean(bool value) override { return item([=](cbor_writer& out) { out.boolean(value); }); }
  bool number_integer(std::int64_t value) override { return item([=](cbor_writer& out) { out.integer(value); }); }
  bool number_unsigned(std::uint64_t value) override { return item([=](cbor_writer& out) { out.integer(value); }); }
  bool number_float(double value, const std::string&) override {
    return item([=](cbor_writer& out) { out.floating(value); });
  }
  bool string(std::string& value) override {
    if (in_array() && open_.back().count == 0 && value.starts_with('$')) open_.back().marked = true;
    return item([&](cbor_writer& out) { out.text(value); });
  }
  bool binary(nlohmann::json::binary_t&) override { return false; }

  bool start_object(std::size_t) override { return start(true); }
  bool key(std::string& name) override {
    append([&](cbor_writer& out) { out.text(name); });
    return true;
  }
  bool end_object() override { return end(); }
  bool start_array(std::size_t) override { return start(false); }
  bool end_array() override {
    if (open_.back().marked && open_.back().count == 2) return end_marked();
    return end();
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& failure) override {
    const std::string_view text = failure.what();
    fail(text.substr(text.find("] ") + 2));
  }

  bytes finish() const {
    buffer out;
    cbor_writer writer{out};
    std::size_t done = 0;
    for (const head& next : heads_) {
      writer.raw(bytes_view{body_}.subspan(done, next.at - done));
      if (next.is_map) writer.map(next.count);
      else writer.array(next.count);
      done = next.at;
    }
    writer.raw(bytes_view{body_}.subspan(done));
    return {out.view().begin(), out.view().end()};
  }

 private:
  struct head {
    std::size_t at;  // in the body, which has no heads of arrays and maps
    std::size_t count;
    bool is_map;
  };
  struct level {
    std::size_t head;  // index in heads_
    std::size_t count;
    bool marked;  // an array whose first item is text that begins with "$"
  };

  static constexpr auto depth_max = static_cast<std::size_t>(cbor_depth_max);
  [[noreturn]] static void fail_too_deep() { fail(fmt::format("nested deeper than {} levels", cbor_depth_max)); }

  [[nodiscard]] bool in_array() const { return !open_.empty() && !heads_[open_.back().head].is_map; }

  template <class Write>
  void append(Write write) {
    scratch_.clear();
    cbor_writer out{scratch_};
    write(out);
    body_.insert(body_.end(), scratch_.view().begin(), scratch_.view().end());
  }
  template <class Write>
  bool item(Write write) {
    append(write);
    return counted();
  }
  bool counted() {
    if (!open_.empty()) ++open_.back().count;
    return true;
  }

  bool start(bool is_map) {
    if (open_.size() > depth_max) fail_too_deep();  // one more may be the form of a scalar
    open_.push_back({heads_.size(), 0, false});
    heads_.push_back({body_.size(), 0, is_map});
    return true;
  }
  bool end() {
    if (open_.size() > depth_max) fail_too_deep();
    heads_[open_.back().head].count = open_.back().count;
    open_.pop_back();
    return counted();
  }

  // ["$Kind", content]: a value that JSON has no form for, or with "$$" an ordinary array.
  bool end_marked() {
    const std::size_t index = open_.back().head;
    const std::size_t begin = heads_[index].at;
    cbor_reader in{bytes_view{body_}.subspan(begin)};
    std::string pieces;
    const std::string kind{in.text(pieces)};
    const std::size_t kind_bytes = in.offset();
    if (kind.starts_with("$$")) {
      replace(begin, kind_bytes, index + 1, [&](cbor_writer& out) { out.text(std::string_view{kind}.substr(1)); });
      return end();
    }
    const bool is_nested = heads_.size() > index + 1 && heads_[index + 1].at == begin + kind_bytes;
    if (kind == "$Set" && is_nested && !heads_[index + 1].is_map) {
      replace(begin, kind_bytes, index + 1, [](cbor_writer&) {});
      heads_.erase(heads_.begin() + static_cast<std::ptrdiff_t>(index));
    } else if (is_nested) {
      fail(fmt::format("unknown form [\"{}\", ...]", kind));
    } else {
      const auto write = scalar_form(kind, in);
      replace(begin, body_.size() - begin, index + 1, write);
      heads_.resize(index);
    }
    open_.pop_back();
    return counted();
  }

  struct scalar {
    std::optional<bytes> data;
    bool negative = false;
    std::uint64_t magnitude = 0;
    bool undefined = false;

    void operator()(cbor_writer& out) const {
      if (data) out.byte_string(*data);
      else if (undefined) out.raw(std::array{std::byte{0xf7}});
      else if (negative) out.integer(static_cast<std::int64_t>(~magnitude + 1));
      else out.integer(magnitude);
    }
  };
  static scalar scalar_form(const std::string& kind, cbor_reader& in) {
    scalar value;
    value.undefined = kind == "$Undefined";
    if (value.undefined) return value;
    std::string pieces;
    if (in.peek() != cbor_type::text) fail(fmt::format("in [\"{}\", ...], text should follow", kind));
    const std::string_view content = in.text(pieces);
    if (kind == "$Uint8Array" || kind == "$ArrayBuffer") {
      value.data = detail::base64_decode(content);
      if (value.data) return value;
      fail(fmt::format("in [\"{}\", ...], what follows is not base64", kind));
    }
    if (kind == "$BigInt") return big_integer(content);
    fail(fmt::format("unknown form [\"{}\", ...]", kind));
  }
  static scalar big_integer(std::string_view digits) {
    scalar value;
    value.negative = digits.starts_with('-');
    const std::string_view rest = digits.substr(value.negative ? 1 : 0);
    const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), value.magnitude);
    const bool fits = !value.negative || value.magnitude <= std::uint64_t{1} << 63;
    if (failure != std::errc{} || end != rest.data() + rest.size() || !fits) {
      fail("a $BigInt that is not an integer of 64 bits");
    }
    return value;
  }

  // Puts something else in the place of `count` bytes of the body; the heads from `first_head` on move with what
  // stands behind it.
  template <class Write>
  void replace(std::size_t begin, std::size_t count, std::size_t first_head, Write write) {
    scratch_.clear();
    cbor_writer out{scratch_};
    write(out);
    const bytes_view fresh = scratch_.view();
    const auto at = body_.begin() + static_cast<std::ptrdiff_t>(begin);
    body_.insert(body_.erase(at, at + static_cast<std::ptrdiff_t>(count)), fresh.begin(), fresh.end());
    for (std::size_t i = first_head; i < heads_.size(); ++i) heads_[i].at = heads_[i].at - count + fresh.size();
  }

  bytes body_;
  std::vector<head> heads_;
  std::vector<level> open_;
  buffer scratch_;
};

}  // namespace

bytes from_json(std::string_view text) {
  cbor_builder builder;
  nlohmann::json::sax_parse(text, &builder);
  return builder.finish();
}

}  // namespace v0
}  // namespace troupe
