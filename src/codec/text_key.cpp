// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <fmt/format.h>

#include <troupe/codec/containers.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

using read_function = void (*)(cbor_reader& from, void* key);

void read_json_of_key(cbor_reader& in, void* key, read_function read) {
  const std::size_t start = in.offset();
  std::string scratch;
  const std::string_view text = in.text(scratch);
  try {
    const bytes encoded = from_json(text);
    cbor_reader from{encoded, in};
    read(from, key);
    from.finish();
  } catch (const error& failure) {
    in.fail(fmt::format("a key that should be JSON: {}", failure.message()), start);
  }
}

}  // namespace

void read_text_key(cbor_reader& in, bool may_be_text, void* key, read_function read) {
  if (!may_be_text) return read_json_of_key(in, key, read);
  const std::size_t start = in.offset();
  try {
    return read(in, key);
  } catch (const error& failure) {
    if (!failure.is(errc::invalid_data)) throw;
  }
  in.rewind(start);
  try {
    return read_json_of_key(in, key, read);
  } catch (const error& failure) {
    if (!failure.is(errc::invalid_data)) throw;
  }
  in.rewind(start);
  read(in, key);  // throws what is wrong with the text itself
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
