// SPDX-License-Identifier: Apache-2.0
#include "simulated_file.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
inline namespace v0 {
namespace testing {
namespace detail {
namespace {

void fill_with_garbage(std::span<std::byte> place, seeded_random& random) {
  for (std::byte& each : place) each = static_cast<std::byte>(random.next());
}

}  // namespace

void simulated_file::write(std::size_t at, bytes_view data) {
  if (data.empty()) return;
  const std::size_t size = std::max(contents_.size(), at + data.size());
  add({.at = at, .length = data.size(), .data = bytes{data.begin(), data.end()}, .size_after = size});
}

void simulated_file::resize(std::size_t size) {
  const std::size_t least = std::min(size, contents_.size());
  const std::size_t most = std::max(size, contents_.size());
  add({.at = least, .length = most - least, .size_after = size});
}

void simulated_file::add(change made) {
  unsynced_.push_back(std::move(made));
  const change& last = unsynced_.back();
  contents_.resize(last.size_after);
  apply(last, contents_, last.at, std::min(last.at + last.length, last.size_after));
}

void simulated_file::apply(const change& made, bytes& image, std::size_t from, std::size_t to) {
  from = std::max(from, made.at);
  to = std::min(to, made.at + made.length);
  if (from >= to) return;
  const auto place = std::span{image}.subspan(from, to - from);
  if (made.data.empty()) {
    std::ranges::fill(place, std::byte{0});
  } else {
    std::ranges::copy(bytes_view{made.data}.subspan(from - made.at, place.size()), place.begin());
  }
}

void simulated_file::sync() {
  for (const change& each : unsynced_) {
    durable_.resize(each.size_after);
    apply(each, durable_, each.at, std::min(each.at + each.length, each.size_after));
  }
  durable_.resize(contents_.size());
  unsynced_.clear();
}

void simulated_file::forget(seeded_random& random) {
  durable_ = survivors(random);
  unsynced_.clear();
}

void simulated_file::lose_unsynced(seeded_random& random) {
  durable_ = survivors(random);
  contents_ = durable_;
  unsynced_.clear();
}

simulated_file::luck::luck(std::size_t changes, seeded_random& random) : in_order{0} {
  switch (random.below(5)) {
    case 0:
      break;
    case 1:
      in_order = changes;
      break;
    case 2:
      in_order = random.below(changes + 1);
      break;
    default:
      in_four = 1 + random.below(3);
  }
}

std::size_t simulated_file::luck::kept(std::span<const std::size_t> changes, seeded_random& random) const {
  if (in_four == 0) return static_cast<std::size_t>(std::ranges::lower_bound(changes, in_order) - changes.begin());
  return random.below(4) < in_four ? changes.size() : random.below(changes.size() + 1);
}

bytes simulated_file::survivors(seeded_random& random) const {
  if (unsynced_.empty()) return durable_;
  const luck had{unsynced_.size(), random};

  std::vector<std::pair<std::size_t, std::size_t>> touched;  // sector, change
  std::vector<std::size_t> changes;
  std::size_t reach = durable_.size();
  for (std::size_t at = 0; at != unsynced_.size(); ++at) {
    const change& each = unsynced_[at];
    const std::size_t end = each.at + each.length;
    for (std::size_t sector = each.at / sector_bytes; sector * sector_bytes < end; ++sector) {
      touched.emplace_back(sector, at);
    }
    changes.push_back(at);
    reach = std::max(reach, end);
  }
  std::ranges::sort(touched);
  const std::size_t resized = had.kept(changes, random);
  const std::size_t size = resized == 0 ? durable_.size() : unsynced_[resized - 1].size_after;

  bytes image = durable_;
  image.resize(reach);
  for (auto from = touched.begin(); from != touched.end();) {
    const auto to = std::find_if(from, touched.end(), [from](const auto& each) { return each.first != from->first; });
    changes.clear();
    for (auto each = from; each != to; ++each) changes.push_back(each->second);
    restore_sector(image, from->first, changes, had, random);
    from = to;
  }
  image.resize(size);
  return image;
}

void simulated_file::restore_sector(bytes& image, std::size_t sector, std::span<const std::size_t> changes,
                                    const luck& had, seeded_random& random) const {
  const std::size_t begin = sector * sector_bytes;
  const std::size_t end = std::min(begin + sector_bytes, image.size());
  const std::size_t kept = had.kept(changes, random);
  for (std::size_t at = 0; at != kept; ++at) apply(unsynced_[changes[at]], image, begin, end);
  const bool is_torn = had.in_four != 0 && kept != changes.size() && random.below(4) == 0;
  if (!is_torn) return;
  const change& torn = unsynced_[changes[kept]];
  const std::size_t from = std::max(begin, torn.at);
  const std::size_t to = std::min(end, torn.at + torn.length);
  if (random.below(2) == 0) {
    apply(torn, image, from, from + random.below(to - from));
  } else {
    fill_with_garbage(std::span{image}.subspan(from, to - from), random);
  }
}

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
