// SPDX-License-Identifier: Apache-2.0
// JSON text, as a client sends it, into CBOR and typed values.

#include <troupe/codec/json_text.hpp>

#include "fuzz.hpp"
#include "values.hpp"

namespace {

using fuzz::check;

// Two ways to the same tree. Duplicate members: the last counts, in both.
void check_means_the_same(std::string_view text, troupe::bytes_view cbor) {
  if (text.find('$') != std::string_view::npos || text.find("\\u0024") != std::string_view::npos) return;
  const auto expected = troupe::json::parse(text, nullptr, false);
  check(!expected.is_discarded(), "what is accepted is JSON");
  check(troupe::decode<troupe::json>(cbor) == expected, "CBOR says what the text says");
}

void read_plain(troupe::bytes_view cbor) {
  fuzz::plain value;
  if (!fuzz::accepted([&] { value = troupe::decode<fuzz::plain>(cbor); })) return;
  const std::string text = troupe::to_json(troupe::encode(value));
  check(troupe::decode<fuzz::plain>(troupe::from_json(text)) == value, "a value comes back from its JSON:", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  troupe::bytes cbor;
  if (!fuzz::accepted([&] { cbor = troupe::from_json(text); })) return 0;
  const std::string once = troupe::to_json(cbor);
  const troupe::bytes again = troupe::from_json(once);
  check(troupe::to_json(again) == once, "JSON -> CBOR -> JSON is stable:", once);
  check_means_the_same(text, cbor);
  read_plain(cbor);
  return 0;
}
