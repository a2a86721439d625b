// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <troupe/codec/codec.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/tags.hpp>

namespace troupe {
inline namespace v0 {

void codec<actor_id>::write(cbor_writer& out, const actor_id& value) { out.text(value.str()); }

void codec<actor_id>::read(cbor_reader& in, actor_id& value) {
  if (in.peek() != cbor_type::text) in.fail_expected("an actor id");
  const std::size_t start = in.offset();
  std::string scratch;
  const auto parsed = actor_id::parse(in.text(scratch));
  if (!parsed) in.fail_expected("an actor id", start);
  value = *parsed;
}

void codec<key>::write(cbor_writer& out, const key& value) { detail::write_value(out, value.segments()); }

void codec<key>::read(cbor_reader& in, key& value) {
  const std::size_t start = in.offset();
  const auto segments = detail::read_new<std::vector<std::string>>(in);
  try {
    value = key{segments};
  } catch (const error& too_large) {
    in.fail(too_large.message(), start);
  }
}

void codec<tags>::write(cbor_writer& out, const tags& value) {
  detail::value_codec<tags, detail::shape::map>::write(out, value);
}

void codec<tags>::read(cbor_reader& in, tags& value) {
  detail::value_codec<tags, detail::shape::map>::read(in, value);
}

}  // namespace v0
}  // namespace troupe
