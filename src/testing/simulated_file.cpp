#include "simulated_file.hpp"

#include <algorithm>
#include <utility>

namespace troupe::inline v0 { namespace testing { namespace detail {
namespace {

constexpr std::uint64_t all_kept = 4;

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
  const auto [least, most] = std::minmax(size, contents_.size());
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

/// Sectors have chances of their own, but each file its luck: all, none, or so many quarters of them have been written.
bytes simulated_file::survivors(seeded_random& random) const {
  if (unsynced_.empty()) return durable_;
  const std::uint64_t kept = random.below(all_kept + 1);

  std::vector<std::pair<std::size_t, std::size_t>> touched;  // sector, change
  std::vector<std::size_t> sizes{durable_.size()};
  std::size_t reach = durable_.size();
  for (std::size_t at = 0; at != unsynced_.size(); ++at) {
    const change& each = unsynced_[at];
    const std::size_t end = each.at + each.length;
    for (std::size_t sector = each.at / sector_bytes; sector * sector_bytes < end; ++sector) {
      touched.emplace_back(sector, at);
    }
    sizes.push_back(each.size_after);
    reach = std::max({reach, end, each.size_after});
  }
  std::ranges::sort(touched);

  bytes image = durable_;
  image.resize(reach);
  std::vector<std::size_t> changes;
  for (auto from = touched.begin(); from != touched.end();) {
    const auto to = std::find_if(from, touched.end(), [from](const auto& each) { return each.first != from->first; });
    changes.clear();
    for (auto each = from; each != to; ++each) changes.push_back(each->second);
    restore_sector(image, from->first, changes, kept, random);
    from = to;
  }
  const bool is_current = kept == all_kept || (kept != 0 && random.below(all_kept) < kept);
  const std::size_t size = is_current ? sizes.back() : kept == 0 ? sizes.front() : sizes[random.below(sizes.size())];
  image.resize(size);
  return image;
}

void simulated_file::restore_sector(bytes& image, std::size_t sector, std::span<const std::size_t> changes,
                                    std::uint64_t kept, seeded_random& random) const {
  const std::size_t begin = sector * sector_bytes;
  const std::size_t end = std::min(begin + sector_bytes, image.size());
  std::uint64_t count = changes.size();
  if (kept == 0) count = 0;
  if (kept != 0 && kept != all_kept && random.below(all_kept) >= kept) count = random.below(changes.size());
  for (std::uint64_t at = 0; at != count; ++at) apply(unsynced_[changes[at]], image, begin, end);
  const bool is_torn = kept != 0 && count != changes.size() && random.below(4) == 0;
  if (!is_torn) return;
  const change& torn = unsynced_[changes[count]];
  const std::size_t from = std::max(begin, torn.at);
  const std::size_t to = std::min(end, torn.at + torn.length);
  if (from >= to) return;
  if (random.below(2) == 0) {
    apply(torn, image, from, from + random.below(to - from));
  } else {
    fill_with_garbage(std::span{image}.subspan(from, to - from), random);
  }
}

}}}  // namespace troupe::v0::testing::detail
