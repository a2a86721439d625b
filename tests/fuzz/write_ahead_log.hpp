// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fuzz {

/// Writes the salts and checksums of a write-ahead log (sqlite.org/fileformat2.html, section 4) that make its frames
/// count. Without it, what a mutation has touched would be passed over and never be looked at.
class log_mender {
 public:
  explicit log_mender(std::string& log) : log_{log} {}

  void mend() {
    if (log_.size() < header_size) return;
    is_big_endian_ = (log_[3] & 1) != 0;
    const std::size_t page_size = number(8);
    if (page_size < 512 || page_size > 65'536) return;
    add(0, header_size - 8);
    write_sum(header_size - 8);
    const std::size_t frame_size = frame_header_size + page_size;
    for (std::size_t at = header_size; log_.size() - at >= frame_size; at += frame_size) {
      log_.replace(at + 8, 8, log_, 16, 8);  // the salts
      add(at, 8);
      add(at + frame_header_size, page_size);
      write_sum(at + 16);
    }
  }

 private:
  static constexpr std::size_t header_size = 32;
  static constexpr std::size_t frame_header_size = 24;

  [[nodiscard]] std::uint32_t byte(std::size_t at) const { return static_cast<std::uint8_t>(log_[at]); }
  [[nodiscard]] std::uint32_t number(std::size_t at) const {
    return byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
  }
  [[nodiscard]] std::uint32_t word(std::size_t at) const {
    return is_big_endian_ ? number(at) : byte(at + 3) << 24 | byte(at + 2) << 16 | byte(at + 1) << 8 | byte(at);
  }
  void add(std::size_t from, std::size_t size) {
    for (std::size_t at = from; at + 8 <= from + size; at += 8) {
      first_ += word(at) + second_;
      second_ += word(at + 4) + first_;
    }
  }
  void write_sum(std::size_t at) {
    for (const std::uint32_t sum : {first_, second_}) {
      for (int shift = 24; shift >= 0; shift -= 8) log_[at++] = static_cast<char>(sum >> shift);
    }
  }

  std::string& log_;
  bool is_big_endian_ = false;
  std::uint32_t first_ = 0;
  std::uint32_t second_ = 0;
};

inline void mend_log(std::string& log) { log_mender{log}.mend(); }

}  // namespace fuzz
