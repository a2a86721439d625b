// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {

/// How deep arrays and maps may be nested in what is written and read. Deeper data is `invalid_data`, in both
/// directions, so that what was written can be read and no input can exhaust the stack.
inline constexpr int cbor_depth_max = 128;

/// What the next item of an encoding is, tags aside. The numbers are the major types of RFC 8949, and one more.
enum class cbor_type : std::uint8_t {
  unsigned_integer = 0,
  negative_integer = 1,
  byte_string = 2,
  text = 3,
  array = 4,
  map = 5,
  simple = 7,    ///< false, true, null, undefined, other simple values
  floating = 8,  ///< half, single or double precision
};

namespace detail {

[[noreturn]] void fail_too_deep_to_write();

}  // namespace detail

/// Appends CBOR (RFC 8949) to a buffer, item by item. Lengths come first: whoever calls `array(n)` owes n items, and
/// after `map(n)` n pairs. Integers, lengths and floats take their shortest form, so equal values give equal bytes.
///
/// Text is not checked: strings are stored as they are, and become valid UTF-8 where they turn into JSON.
class cbor_writer {
 public:
  explicit cbor_writer(buffer& out) noexcept : out_{out} {}
  /// Writes elsewhere what will become part of what `outer` writes: its nesting counts on from there.
  cbor_writer(buffer& out, const cbor_writer& outer) noexcept : out_{out}, depth_{outer.depth_} {}
  cbor_writer(const cbor_writer&) = delete;
  cbor_writer& operator=(const cbor_writer&) = delete;

  void null() { out_.append(std::byte{0xf6}); }
  void boolean(bool value) { out_.append(value ? std::byte{0xf5} : std::byte{0xf4}); }

  template <std::integral T>
    requires(sizeof(T) <= 8)
  void integer(T value) {
    if constexpr (std::is_signed_v<T>) {
      if (value < 0) return head(1, ~static_cast<std::uint64_t>(value));
    }
    head(0, static_cast<std::uint64_t>(value));
  }
  /// An unsigned integer in eight bytes whatever its value: what cbor-x, a JavaScript codec, reads as a BigInt.
  void wide_integer(std::uint64_t value);
  /// The shortest of half, single and double precision that is exact. Every NaN becomes the same one.
  void floating(double value);

  void text(std::string_view value) { string(3, value.data(), value.size()); }
  void byte_string(bytes_view value) { string(2, value.data(), value.size()); }

  void array(std::size_t items) { head(4, items); }
  void map(std::size_t pairs) { head(5, pairs); }
  void tag(std::uint64_t number) { head(6, number); }

  /// Appends items that are encoded already.
  void raw(bytes_view encoded) { out_.append(encoded); }
  template <std::size_t N>
  void raw(const std::array<std::byte, N>& encoded) {
    std::memcpy(out_.grow(N), encoded.data(), N);
  }

  /// Where the bytes go.
  [[nodiscard]] buffer& out() noexcept { return out_; }

  /// One level of nesting for as long as it lives. Whoever writes values that may contain others of their type holds
  /// one, so that `cbor_depth_max` is an error here and not when the data is read.
  class nested {
   public:
    explicit nested(cbor_writer& out) : out_{out} {
      if (++out_.depth_ > cbor_depth_max) [[unlikely]] {
        --out_.depth_;
        detail::fail_too_deep_to_write();
      }
    }
    ~nested() { --out_.depth_; }
    nested(const nested&) = delete;
    nested& operator=(const nested&) = delete;

   private:
    cbor_writer& out_;
  };

 private:
  static void put_head(std::byte* at, unsigned major, std::uint64_t number, std::size_t size);
  static std::size_t head_size(std::uint64_t number) noexcept {
    return number < 24 ? 1 : number <= 0xff ? 2 : number <= 0xffff ? 3 : number <= 0xffffffff ? 5 : 9;
  }

  void head(unsigned major, std::uint64_t number) {
    if (number < 24) {
      out_.append(static_cast<std::byte>(major << 5 | number));
    } else {
      const std::size_t size = head_size(number);
      put_head(out_.grow(size), major, number, size);
    }
  }
  void string(unsigned major, const void* data, std::size_t size) {
    const std::size_t before = head_size(size);
    std::byte* const at = out_.grow(before + size);
    put_head(at, major, size, before);
    if (size != 0) std::memcpy(at + before, data, size);
  }

  buffer& out_;
  int depth_ = 0;
};

inline void cbor_writer::put_head(std::byte* at, unsigned major, std::uint64_t number, std::size_t size) {
  if (size == 1) {
    *at = static_cast<std::byte>(major << 5 | number);
    return;
  }
  const auto width_code = static_cast<unsigned>(std::countr_zero(size - 1));
  *at = static_cast<std::byte>(major << 5 | (24 + width_code));
  for (std::size_t i = size - 1; i > 0; --i, number >>= 8) at[i] = static_cast<std::byte>(number);
}

/// Reads CBOR item by item from bytes that stay alive and unchanged meanwhile. It takes whatever RFC 8949 allows:
/// lengths in any width, strings, arrays and maps of indefinite length, tags (which are skipped).
///
/// Errors: `invalid_data`, naming the place ("messages[3].sender, byte 41"), what was wanted and what is there. No
/// input makes it read outside of its bytes, recurse deeper than `cbor_depth_max` or allocate more than a small
/// multiple of the input. After an error the position is unspecified.
class cbor_reader {
 public:
  explicit cbor_reader(bytes_view in) noexcept : begin_{in.data()}, at_{begin_}, end_{begin_ + in.size()} {}
  /// Reads from elsewhere what is part of what `outer` reads: its nesting counts on from there.
  cbor_reader(bytes_view in, const cbor_reader& outer) noexcept : cbor_reader{in} { depth_ = outer.depth_; }
  cbor_reader(const cbor_reader&) = delete;
  cbor_reader& operator=(const cbor_reader&) = delete;

  /// How many bytes have been read.
  [[nodiscard]] std::size_t offset() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  /// Goes back to an earlier `offset()`, at the same level of nesting.
  void rewind(std::size_t offset) noexcept { at_ = begin_ + offset; }

  /// What the next item is, behind any tags.
  [[nodiscard]] cbor_type peek();
  /// Whether the next item is null or undefined; if so, it is read.
  [[nodiscard]] bool take_null();
  /// Whether the next item is undefined, which JavaScript writes for a member without a value; if so, it is read.
  [[nodiscard]] bool take_undefined() noexcept {
    if (at_ == end_ || *at_ != std::byte{0xf7}) return false;
    ++at_;
    return true;
  }
  /// Whether exactly these bytes come next; if so, they are read.
  template <std::size_t N>
  [[nodiscard]] bool take(const std::array<std::byte, N>& encoded) noexcept {
    if (remaining() < N || std::memcmp(at_, encoded.data(), N) != 0) return false;
    at_ += N;
    return true;
  }

  void null();
  [[nodiscard]] bool boolean();
  /// Exact, or an error: an integer out of T's range, a float with a fraction.
  template <std::integral T>
  [[nodiscard]] T integer() {
    if (at_ != end_ && *at_ < std::byte{0x18}) return static_cast<T>(*at_++);
    return large_integer<T>(false);
  }
  /// The same, also from text in decimal: the form that an integer takes as the key of a JSON object.
  template <std::integral T>
  [[nodiscard]] T integer_or_text() {
    return large_integer<T>(true);
  }
  /// The same, but nothing, and nothing is read, for an integer that T cannot hold.
  template <std::integral T>
  [[nodiscard]] std::optional<T> integer_if();
  /// A float of any precision, or an integer.
  [[nodiscard]] double floating();
  /// The nearest float; an error if it is too large for one.
  [[nodiscard]] float single();
  /// An integer that is the index of something: from 0 to below `limit`, or an error.
  [[nodiscard]] std::size_t index_below(std::size_t limit);
  /// A number times `factor`, rounded to the nearest integer; an error if that is out of T's range.
  template <class T>
  [[nodiscard]] T scaled(double factor);

  /// A view into the input, or into `scratch` if the text is in pieces.
  [[nodiscard]] std::string_view text(std::string& scratch);
  void text_into(std::string& value);
  /// A view into the input, or into `scratch` if the string is in pieces or is an array of numbers.
  [[nodiscard]] bytes_view byte_string(bytes& scratch);

  /// The string must have exactly as many bytes as `value`.
  void byte_string_into(std::span<std::byte> value);

  /// The head of an array: how many items follow, or nothing if they go on until `at_break()`. The size never exceeds
  /// the number of bytes that are left. See `array()` for the comfortable form.
  [[nodiscard]] std::optional<std::size_t> array_size() { return size_of(4, 1); }
  [[nodiscard]] std::optional<std::size_t> map_size() { return size_of(5, 2); }
  /// Whether an array or map of indefinite length ends here; if so, its end is read.
  [[nodiscard]] bool at_break();

  /// The items of an array or the pairs of a map:
  ///
  ///     for (auto items = in.array(); items.next();) read(in, value);
  class items {
   public:
    ~items() { --in_.depth_; }
    items(const items&) = delete;
    items& operator=(const items&) = delete;

    /// Whether one more is to be read.
    [[nodiscard]] bool next() {
      if (left_ == indefinite) [[unlikely]] return !in_.at_break();
      if (left_ == 0) return false;
      --left_;
      return true;
    }
    /// Throws unless one more is to be read (or, for `expect_end`, none).
    void expect() {
      if (!next()) [[unlikely]] in_.fail_at(start_, "the array has too few items");
    }
    void expect_end() {
      if (next()) [[unlikely]] in_.fail_at(start_, "the array has too many items");
    }
    /// How many are left, as far as is known; never more than the bytes that are left.
    [[nodiscard]] std::size_t size_hint() const noexcept { return left_ == indefinite ? 0 : left_; }

   private:
    friend class cbor_reader;
    static constexpr std::size_t indefinite = std::numeric_limits<std::size_t>::max();

    items(cbor_reader& in, const std::byte* start, std::optional<std::size_t> size)
        : in_{in}, start_{start}, left_{size.value_or(indefinite)} {
      if (++in_.depth_ > cbor_depth_max) [[unlikely]] {
        --in_.depth_;
        in_.fail_too_deep(start);
      }
    }

    cbor_reader& in_;
    const std::byte* start_;
    std::size_t left_;
  };
  [[nodiscard]] items array() {
    const std::byte* const start = at_;
    return items{*this, start, array_size()};
  }
  [[nodiscard]] items map() {
    const std::byte* const start = at_;
    return items{*this, start, map_size()};
  }
  /// An array of exactly `size` items, as far as its head tells.
  [[nodiscard]] items array_of(std::size_t size);

  /// Reads one item, whatever it is, and gives its bytes.
  bytes_view skip();

  /// The number of the tag that stands here, which is read; else nothing. Other members skip tags by themselves.
  [[nodiscard]] std::optional<std::uint64_t> tag();
  /// The tag of a number that is seconds since 1970.
  static constexpr std::uint64_t epoch_seconds = 1;

  /// Throws unless everything has been read.
  void finish();

  /// Throws `invalid_data` for the item that begins here, or that began at an earlier `offset()`:
  /// "items[2].price at byte 17: `complaint`".
  [[noreturn]] void fail(std::string_view complaint) const { fail_at(at_, complaint); }
  [[noreturn]] void fail(std::string_view complaint, std::size_t offset) const { fail_at(begin_ + offset, complaint); }
  /// The same in the form "expected `wanted`, found ...".
  [[noreturn]] void fail_expected(std::string_view wanted) const { fail_expected_at(at_, wanted); }
  [[noreturn]] void fail_expected(std::string_view wanted, std::size_t offset) const {
    fail_expected_at(begin_ + offset, wanted);
  }

 private:
  struct head {
    unsigned major;
    unsigned low;  // the head's low five bits; 31 for an indefinite length
    std::uint64_t number;
  };

  template <std::integral T>
  [[gnu::noinline]] T large_integer(bool or_text);
  [[noreturn]] void fail_at(const std::byte* at, std::string_view complaint) const;
  [[noreturn]] void fail_expected_at(const std::byte* at, std::string_view wanted) const;
  [[noreturn]] void fail_range(const std::byte* at, int bits, bool is_signed) const;
  [[noreturn]] void fail_too_deep(const std::byte* at) const;

  // A whole number as its sign and its magnitude: n or -1 - n.
  struct whole {
    bool negative;
    std::uint64_t magnitude;

    template <std::integral T>
    std::optional<T> as() const noexcept;
  };
  whole whole_number(bool or_text);

  // Whether T can hold the integral part of `value`. The bounds are powers of two, so they are exact as doubles.
  template <std::integral T>
  static constexpr bool in_range(double value) noexcept {
    constexpr double above = static_cast<double>(std::numeric_limits<T>::max() / 2 + 1) * 2;
    return value < above && (std::is_signed_v<T> ? value >= -above : value > -1.0);
  }

  bool take_simple(unsigned low) noexcept;
  head read_head();
  void skip_tags();
  std::optional<std::size_t> size_of(unsigned major, std::size_t bytes_each) {
    if (at_ != end_ && (std::to_integer<unsigned>(*at_) >> 5) == major) [[likely]] {
      const unsigned low = std::to_integer<unsigned>(*at_) & 0x1f;
      if (low < 24 && low * bytes_each <= remaining() - 1) {
        ++at_;
        return low;
      }
    }
    return large_size_of(major, bytes_each);
  }
  std::optional<std::size_t> large_size_of(unsigned major, std::size_t bytes_each);
  bytes_view string_piece(unsigned major, std::string_view wanted);
  bool short_string(unsigned major, std::string_view& found) noexcept;
  std::string_view whole_string(unsigned major, std::string& scratch);
  bytes_view take_bytes(std::uint64_t size);
  double float_of(const head& from) const noexcept;
  void skip_item();

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  int depth_ = 0;
};

template <std::integral T>
std::optional<T> cbor_reader::whole::as() const noexcept {
  if (magnitude > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) return std::nullopt;
  if constexpr (std::is_signed_v<T>) {
    const auto value = static_cast<std::int64_t>(magnitude);
    return static_cast<T>(negative ? -1 - value : value);
  } else {
    if (negative) return std::nullopt;
    return static_cast<T>(magnitude);
  }
}

template <std::integral T>
std::optional<T> cbor_reader::integer_if() {
  const std::byte* const start = at_;
  const std::optional<T> value = whole_number(false).as<T>();
  if (!value) at_ = start;
  return value;
}

template <std::integral T>
T cbor_reader::large_integer(bool or_text) {
  const std::byte* const start = at_;
  if (const auto value = whole_number(or_text).as<T>()) return *value;
  fail_range(start, static_cast<int>(sizeof(T) * 8), std::is_signed_v<T>);
}

template <class T>
T cbor_reader::scaled(double factor) {
  const double value = floating() * factor;
  if constexpr (std::floating_point<T>) {
    return static_cast<T>(value);
  } else {
    const double rounded = value < 0 ? value - 0.5 : value + 0.5;
    if (!in_range<T>(rounded)) fail_range(at_, static_cast<int>(sizeof(T) * 8), std::is_signed_v<T>);
    return static_cast<T>(rounded);
  }
}

inline bool cbor_reader::short_string(unsigned major, std::string_view& found) noexcept {
  if (at_ == end_) return false;
  const auto initial = std::to_integer<unsigned>(*at_);
  std::size_t size = initial & 0x1f;
  std::size_t before = 1;
  if (initial >> 5 != major) return false;
  if (size == 24 && remaining() >= 2) {
    size = std::to_integer<std::size_t>(at_[1]);
    before = 2;
  } else if (size >= 24) {
    return false;
  }
  if (remaining() - before < size) return false;
  found = {reinterpret_cast<const char*>(at_ + before), size};
  at_ += before + size;
  return true;
}

inline std::string_view cbor_reader::text(std::string& scratch) {
  std::string_view found;
  if (short_string(3, found)) [[likely]] return found;
  return whole_string(3, scratch);
}

inline void cbor_reader::text_into(std::string& value) {
  std::string_view found;
  if (short_string(3, found)) [[likely]] {
    value.assign(found.data(), found.size());
  } else {
    std::string scratch;
    value = whole_string(3, scratch);
  }
}

}  // namespace v0
}  // namespace troupe
