// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/key.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace {

std::vector<std::string> split(std::string_view canonical) {
  std::vector<std::string> segments;
  if (canonical.empty() || canonical == "/") return segments;
  segments.emplace_back();
  for (std::size_t i = 0; i < canonical.size(); ++i) {
    const char c = canonical[i];
    if (c == '/') {
      segments.emplace_back();
    } else if (c != '\\' || i + 1 == canonical.size()) {
      segments.back() += c;
    } else if (const char escaped = canonical[++i]; escaped != '0') {
      segments.back() += escaped;
    }
  }
  return segments;
}

}  // namespace

key::key(const std::vector<std::string>& segments) : canonical_{"/"} {
  for (const auto& segment : segments) append(segment);
}

void key::append(std::string_view segment) {
  if (segment.size() > segment_bytes_max) {
    throw error(errc::key_too_large, fmt::format("the segment \"{:.32}...\" has {} bytes, {} are allowed", segment,
                                                 segment.size(), segment_bytes_max));
  }
  if (canonical_ == "/") {
    canonical_.clear();
  } else {
    canonical_ += '/';
  }
  if (segment.empty()) canonical_ += "\\0";
  const auto is_escaped = [](char c) { return c == '\\' || c == '/'; };
  if (std::none_of(segment.begin(), segment.end(), is_escaped)) {
    canonical_ += segment;
  } else {
    for (const char c : segment) {
      if (is_escaped(c)) canonical_ += '\\';
      canonical_ += c;
    }
  }
  if (canonical_.size() > canonical_bytes_max) {
    throw error(errc::key_too_large,
                fmt::format("the key \"{:.32}...\" has {} bytes in its canonical form, {} are allowed", canonical_,
                            canonical_.size(), canonical_bytes_max));
  }
}

key key::parse(std::string_view canonical) {
  key result;
  for (const auto& segment : split(canonical)) result.append(segment);
  return result;
}

std::vector<std::string> key::segments() const { return split(canonical_); }

}  // namespace v0
}  // namespace troupe
