// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/stored_version.hpp>

#include <array>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../codec/edited_json.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// From the range that RFC 8949 leaves to anybody who asks first: "trpe" as four bytes.
constexpr std::uint64_t version_tag = 0x74727065;
constexpr std::array<std::byte, 6> versioned_head{std::byte{0xda}, std::byte{0x74}, std::byte{0x72},
                                                  std::byte{0x70}, std::byte{0x65}, std::byte{0x82}};

}  // namespace

versioned_data open_tagged(bytes_view stored) noexcept {
  versioned_data found{1, stored};
  cbor_reader reader{stored};
  if (!reader.take(versioned_head)) return found;
  try {
    found.version = reader.integer<std::uint32_t>();
    found.value = stored.subspan(reader.offset());
  } catch (const error&) {
    found = {1, stored};
  }
  return found;
}

void write_version(cbor_writer& out, std::uint32_t version) {
  out.tag(version_tag);
  out.array(2);
  out.integer(version);
}

bytes with_version(bytes value, std::uint32_t version) {
  if (version == 1 || open_version(value).version != 1) return value;
  buffer out;
  cbor_writer writer{out};
  write_version(writer, version);
  writer.raw(value);
  return {out.view().begin(), out.view().end()};
}

bytes migrate_data(const versioned_data& from, void (*migrate)(json& value, int from), std::uint32_t to) {
  try {
    return migrate_encoded(from.value, migrate, from.version);
  } catch (const std::exception& e) {
    throw error(errc::invalid_data, fmt::format("migrate from version {} to {}: {}", from.version, to, e.what()));
  }
}

void refuse_newer(std::uint32_t stored, std::uint32_t known) {
  throw error(errc::newer_state, fmt::format("the data is of version {}, the program's is {}", stored, known));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
