// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {

/// An append-only byte sink that keeps its capacity when cleared and never zero-fills: what encoders write to.
class buffer {
 public:
  buffer() = default;
  buffer(buffer&& other) noexcept { swap(other); }
  buffer& operator=(buffer&& other) noexcept {
    swap(other);
    return *this;
  }

  [[nodiscard]] const std::byte* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bytes_view view() const noexcept { return {data_.get(), size_}; }

  void clear() noexcept { size_ = 0; }

  /// Gives the memory back as well.
  void reset() noexcept {
    data_.reset();
    size_ = capacity_ = 0;
  }

  void append(const void* from, std::size_t count) {
    if (count == 0) return;
    std::memcpy(grow(count), from, count);
  }
  void append(bytes_view view) { append(view.data(), view.size()); }
  void append(std::byte b) { *grow(1) = b; }

  /// Becomes a copy that takes no more memory than it needs, or half as much again if that is here already.
  void assign(bytes_view from) {
    if (capacity_ < from.size() || capacity_ - from.size() > from.size() / 2) {
      data_.reset(from.empty() ? nullptr : new std::byte[from.size()]);
      capacity_ = from.size();
    }
    size_ = from.size();
    if (size_ != 0) std::memcpy(data_.get(), from.data(), size_);
  }

  /// Makes room for `count` more bytes and counts them as written; the caller fills them.
  std::byte* grow(std::size_t count) {
    if (capacity_ - size_ < count) [[unlikely]] enlarge(count);
    std::byte* const at = data_.get() + size_;
    size_ += count;
    return at;
  }

  void swap(buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  void enlarge(std::size_t count) {
    std::size_t wanted = capacity_ == 0 ? 64 : capacity_ * 2;
    while (wanted - size_ < count) wanted *= 2;
    std::unique_ptr<std::byte[]> bigger{new std::byte[wanted]};
    if (size_ != 0) std::memcpy(bigger.get(), data_.get(), size_);
    data_ = std::move(bigger);
    capacity_ = wanted;
  }

  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace v0
}  // namespace troupe
