// SPDX-License-Identifier: Apache-2.0
#include "refusal.hpp"

#include <fmt/format.h>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

void check_size(const write_set& write, std::size_t size, std::size_t most, std::string_view kind) {
  if (size <= most) [[likely]]
    return;
  throw refusal(fmt::format("a commit names actor {}, and {} of it has {} bytes; {} are taken", write.id.str(), kind,
                            size, most),
                &write);
}

std::size_t row_size(const part_change& change) noexcept {
  return change.key.size() + (change.value ? change.value->size() : 0);
}

}  // namespace

void check_sizes(const write_set& write, std::size_t most) {
  const auto check = [&](std::size_t size, std::string_view kind) { check_size(write, size, most, kind); };
  check(write.state.size(), "the state");
  if (write.created != nullptr && write.created->input) check(write.created->input->size(), "the input");
  for (const write_set::message& message : write.messages) check(message.body.size(), "a message");
  for (const write_set::sent_message& sent : write.sent) check(sent.content.size(), "a message on its way");
  for (const part_change& change : write.parts) check(row_size(change), "the row of a part");
}

void check_parts(const write_set& write) {
  if (write.what != write_set::action::destroy || write.parts.empty()) [[likely]]
    return;
  throw refusal(fmt::format("a commit changes parts of actor {} and destroys it", write.id.str()), &write);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
