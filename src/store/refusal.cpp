#include "refusal.hpp"

#include <fmt/format.h>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

void check_size(const write_set& write, bytes_view value, std::size_t most, std::string_view kind) {
  if (value.size() <= most) [[likely]]
    return;
  throw refusal(fmt::format("a commit names actor {}, and {} of it has {} bytes; {} are taken", write.id.str(), kind,
                            value.size(), most),
                &write);
}

}  // namespace

void check_sizes(const write_set& write, std::size_t most) {
  check_size(write, write.state, most, "the state");
  if (write.created != nullptr && write.created->input) check_size(write, *write.created->input, most, "the input");
  for (const write_set::message& message : write.messages) check_size(write, message.body, most, "a message");
  for (const write_set::sent_message& sent : write.sent) check_size(write, sent.content, most, "a message on its way");
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
