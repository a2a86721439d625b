// SPDX-License-Identifier: Apache-2.0
// CBOR, as it comes from a store or a client, into typed values, into their later versions, and into JSON.

#include <troupe/codec/cbor.hpp>
#include <troupe/codec/json_text.hpp>

#include "fuzz.hpp"
#include "values.hpp"

namespace {

using fuzz::check;

// Written again, a value is the same value and the same bytes.
template <class T>
void check_comes_back(const T& value) {
  const troupe::bytes once = troupe::encode(value);
  const T again = troupe::decode<T>(once);
  check(again == value, "what was written reads as the same value");
  check(troupe::encode(again) == once, "equal values are equal bytes");
}

template <class T>
bool comes_back(troupe::bytes_view data) {
  T value{};
  if (!fuzz::accepted([&] { value = troupe::decode<T>(data); })) return false;
  check_comes_back(value);
  return true;
}

void check_is_one_item(troupe::bytes_view data) {
  troupe::cbor_reader in{data};
  check(fuzz::same(in.skip(), data) && in.remaining() == 0, "what reads as a value is one item");
}

void check_evolves(const fuzz::plain& old) {
  const auto later = troupe::decode<fuzz::evolved>(troupe::encode(old));
  check(later.added == "new", "a new member has what its initialiser says");
  check(later.whole == old.whole && later.tiny == old.tiny && later.text == old.text, "members may become wider");
  check(std::ranges::equal(later.names, old.names), "a set is a list, too");
  check(std::ranges::equal(later.octets, std::as_bytes(std::span{old.octets})), "bytes are bytes");
  check(later.bag.size() == old.bag.size() && later.places.size() == old.places.size(), "hashed or sorted");
  check(later.points.size() == old.points.size(), "lists keep their length");
  for (std::size_t i = 0; i < old.points.size(); ++i) {
    check(later.points[i].x == old.points[i].x && later.points[i].z == 9, "members of members evolve alike");
  }
}

void read_plain(troupe::bytes_view data) {
  fuzz::plain value;
  if (!fuzz::accepted([&] { value = troupe::decode<fuzz::plain>(data); })) return;
  check_comes_back(value);
  check_is_one_item(data);
  check_evolves(value);
  const auto less = troupe::decode<fuzz::reduced>(data);
  check(less.text == value.text && less.points == value.points && less.ends == value.ends &&
            less.by_number == value.by_number && less.triple == value.triple && less.data == value.data,
        "members that are left out change nothing for the others");
}

// The JSON of anything leads back to that JSON.
void read_as_json(troupe::bytes_view data) {
  std::string text;
  const bool is_printed = fuzz::accepted([&] { text = troupe::to_json(data); });
  if (is_printed) check(troupe::to_json(troupe::from_json(text)) == text, "JSON -> CBOR -> JSON is stable:", text);

  troupe::json tree;
  if (!fuzz::accepted([&] { tree = troupe::decode<troupe::json>(data); })) return;
  check(is_printed, "what reads as a JSON value has a JSON text");
  check_is_one_item(data);
  std::string dumped;
  try {
    dumped = tree.dump();
  } catch (const troupe::json::exception&) {
    return;  // text that is not UTF-8 changes on its way through JSON
  }
  check(troupe::decode<troupe::json>(troupe::from_json(text)).dump() == dumped, "the text says the same:", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const troupe::bytes_view bytes = std::as_bytes(std::span{data, size});
  read_plain(bytes);
  if (comes_back<fuzz::special>(bytes)) check_is_one_item(bytes);
  comes_back<fuzz::tree>(bytes);
  comes_back<std::vector<std::variant<int, fuzz::price, fuzz::colour, std::chrono::sys_days>>>(bytes);
  read_as_json(bytes);
  return 0;
}
