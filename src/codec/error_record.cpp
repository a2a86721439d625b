// SPDX-License-Identifier: Apache-2.0
#include <troupe/codec/error_record.hpp>

#include <utility>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace {

bytes encode_metadata(const std::string& text) {
  if (text.empty()) return {};
  try {
    return from_json(text);
  } catch (const error&) {
    return encode(text);
  }
}

std::string decode_metadata(const bytes& encoded) {
  if (encoded.empty()) return {};
  try {
    return to_json(encoded);
  } catch (const error&) {
    return {};
  }
}

}  // namespace

error_record error_record::of(const std::exception_ptr& failure) {
  const error told = to_public_error(failure);
  return {told.group(), told.code(), told.message(), encode_metadata(told.metadata())};
}

std::exception_ptr error_record::to_exception() const {
  auto details = decode_metadata(metadata);
  if (group == "user") return std::make_exception_ptr(user_error{code, message, std::move(details)});
  return std::make_exception_ptr(error{group, code, message, std::move(details)});
}

}  // namespace v0
}  // namespace troupe
