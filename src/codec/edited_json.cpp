// SPDX-License-Identifier: Apache-2.0
#include "edited_json.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <troupe/codec/codec.hpp>
#include <troupe/core/error.hpp>
#include <troupe/json.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// Equal as JSON values are, but 1 and 1.0 differ, 0.0 and -0.0 too, and a NaN is the same as itself.
bool same(const json& a, const json& b) {
  if (a.is_number_float() || b.is_number_float()) {
    return a.is_number_float() && b.is_number_float() &&
           std::bit_cast<std::uint64_t>(a.get<double>()) == std::bit_cast<std::uint64_t>(b.get<double>());
  }
  if (a.is_array() && b.is_array()) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
  }
  if (a.is_object() && b.is_object()) {
    return a.size() == b.size() && std::equal(a.items().begin(), a.items().end(), b.items().begin(),
                                              [](const auto& x, const auto& y) {
                                                return x.key() == y.key() && same(x.value(), y.value());
                                              });
  }
  return a == b;
}

struct member {
  bytes_view key;
  bytes_view value;
  std::string name;      // the key as JSON has it
  bool is_text = false;  // the key
  bool is_last = true;   // of those with one name in JSON, whose value JSON has
};

std::vector<member> members_of(bytes_view encoded) {
  std::vector<member> found;
  std::unordered_map<std::string, std::size_t> places;
  cbor_reader in{encoded};
  for (auto entries = in.map(); entries.next();) {
    const std::size_t start = in.offset();
    member next;
    next.is_text = in.peek() == cbor_type::text;
    next.name = read_json_key(in);
    next.key = encoded.subspan(start, in.offset() - start);
    next.value = in.skip();
    const auto [place, is_new] = places.try_emplace(next.name, found.size());
    if (!is_new) found[std::exchange(place->second, found.size())].is_last = false;
    found.push_back(std::move(next));
  }
  return found;
}

std::vector<bytes_view> items_of(bytes_view encoded) {
  std::vector<bytes_view> found;
  cbor_reader in{encoded};
  for (auto items = in.array(); items.next();) found.push_back(in.skip());
  return found;
}

// Values and their bytes, to be found by the value.
class values_by_hash {
 public:
  void add(const json& value, bytes_view encoded) { all_.emplace(std::hash<json>{}(value), entry{&value, encoded}); }

  [[nodiscard]] std::optional<bytes_view> find(const json& value) const {
    if (all_.empty()) return std::nullopt;
    const auto [begin, end] = all_.equal_range(std::hash<json>{}(value));
    for (auto at = begin; at != end; ++at) {
      if (same(*at->second.value, value)) return at->second.encoded;
    }
    return std::nullopt;
  }

 private:
  struct entry {
    const json* value;
    bytes_view encoded;
  };
  std::unordered_multimap<std::size_t, entry> all_;
};

class editor {
 public:
  explicit editor(buffer& out) : out_{out} {}

  void write(bytes_view encoded, const json& before, const json& after) {
    if (same(before, after)) return out_.raw(encoded);
    if (is_kind_of(before, after)) encoded = write_tags(encoded);
    if (before.is_object() && after.is_object()) write_map(encoded, before, after);
    else if (before.is_array() && after.is_array()) write_array(encoded, before, after);
    else write_json(out_, after);
  }

 private:
  // Tags say how a value is meant: they stay with one of the same kind.
  static bool is_kind_of(const json& a, const json& b) {
    return a.type() == b.type() || (a.is_number() && b.is_number());
  }
  bytes_view write_tags(bytes_view encoded) {
    cbor_reader in{encoded};
    static_cast<void>(in.peek());
    out_.raw(encoded.first(in.offset()));
    return encoded.subspan(in.offset());
  }

  void write_map(bytes_view encoded, const json& before, const json& after) {
    std::vector<member> kept = members_of(encoded);
    const bool keys_are_text = kept.empty() || std::ranges::any_of(kept, &member::is_text);
    const auto gone = std::stable_partition(kept.begin(), kept.end(), [&](const member& old) {
      const auto found = after.find(old.name);
      return found != after.end() && (old.is_last || same(before[old.name], *found));
    });
    values_by_hash gone_values;
    for (auto old = gone; old != kept.end(); ++old) {
      if (old->is_last && !after.contains(old->name)) gone_values.add(before[old->name], old->value);
    }
    kept.erase(gone, kept.end());
    const auto is_new = [&](const auto& item) { return !before.contains(item.key()); };
    const auto all = after.items();
    const auto added = static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_new));

    const cbor_writer::nested level{out_};
    out_.map(kept.size() + added);
    for (const member& old : kept) {
      out_.raw(old.key);
      if (old.is_last) write(old.value, before[old.name], after[old.name]);
      else out_.raw(old.value);
    }
    for (const auto& item : all) {
      if (!is_new(item)) continue;
      write_key(item.key(), keys_are_text);
      if (const auto moved = gone_values.find(item.value())) out_.raw(*moved);
      else write_json(out_, item.value());
    }
  }

  void write_key(const std::string& name, bool as_text) {
    if (!as_text) {
      std::optional<bytes> key;
      try {
        key = from_json(name);
      } catch (const error&) {
        key.reset();  // it is no JSON: the migration means the text
      }
      if (key) return out_.raw(*key);
    }
    out_.text(name);
  }

  // Items that are the same at either end keep their bytes; those between are compared one by one.
  void write_array(bytes_view encoded, const json& before, const json& after) {
    const std::vector<bytes_view> old = items_of(encoded);
    const std::size_t shorter = std::min(before.size(), after.size());
    std::size_t first = 0;
    while (first < shorter && same(before[first], after[first])) ++first;
    std::size_t last = 0;
    while (last < shorter - first && same(before[before.size() - 1 - last], after[after.size() - 1 - last])) ++last;
    const cbor_writer::nested level{out_};
    out_.array(after.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
      const bool is_behind = i >= after.size() - last;
      const std::size_t from = is_behind ? i + before.size() - after.size() : i;
      if (i < first || is_behind) out_.raw(old[from]);
      else if (from < before.size() - last) write(old[from], before[from], after[i]);
      else write_json(out_, after[i]);
    }
  }

  cbor_writer out_;
};

}  // namespace

bytes encode_edited(bytes_view encoded, const json& before, const json& after) {
  buffer out;
  editor{out}.write(encoded, before, after);
  return {out.view().begin(), out.view().end()};
}

bytes migrate_encoded(bytes_view stored, void (*migrate)(json& value, int from), std::uint32_t from) {
  const auto before = decode<json>(stored);
  json after = before;
  migrate(after, static_cast<int>(from));
  return encode_edited(stored, before, after);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
