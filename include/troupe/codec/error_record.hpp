// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {

/// An error as data: what leaves the process of a failure, and what a failure of another process comes back as.
struct error_record {
  std::string group;
  std::string code;
  std::string message;
  bytes metadata;  ///< CBOR; empty: there is none

  /// The part of `failure` that may leave the process: see `to_public_error`. Metadata that is no JSON becomes text.
  [[nodiscard]] static error_record of(const std::exception_ptr& failure);

  /// The failure that it tells of: a `user_error` if its group is "user", else a `troupe::error`. Metadata that is no
  /// CBOR is left out.
  [[nodiscard]] std::exception_ptr to_exception() const;
};

}  // namespace v0
}  // namespace troupe
