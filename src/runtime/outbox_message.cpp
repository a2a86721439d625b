// SPDX-License-Identifier: Apache-2.0
#include "outbox_message.hpp"

#include <memory>

#include <troupe/codec/codec.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

namespace {

// The stored form of an outbox message. Fields may be added.
struct stored_content {
  std::string actor;                ///< the definition's name
  std::uint8_t how = 0;             ///< address::intent
  std::optional<actor_id> id;       ///< for by_id
  std::optional<troupe::key> key;   ///< else
  std::optional<bytes> input;
  troupe::tags labels;
  std::string queue;
  bytes body;
  std::int64_t due_at = 0;          ///< milliseconds since 1970; 0: at once
  std::int64_t sent_at = 0;         ///< the same, of one that is delayed
};

bytes encode_content(const outbox_message& p) {
  const address& to = *p.to;
  stored_content s;
  s.actor = to.type->name;
  s.how = static_cast<std::uint8_t>(to.how);
  if (to.how == address::intent::by_id) {
    s.id = to.id;
  } else {
    s.key = to.key;
  }
  if (to.given) {
    s.input = to.given->input;
    s.labels = to.given->labels;
  }
  s.queue = to.type->queues[p.queue].name;
  s.body = *p.body;
  s.due_at = p.in_row.due_at.time_since_epoch().count();
  s.sent_at = p.in_row.sent_at.time_since_epoch().count();
  return encode(s);
}

}  // namespace

bytes_view outbox_message::content() {
  if (content_.empty()) content_ = encode_content(*this);
  return content_;
}

epoch_number outbox_message::claim() noexcept {
  if (id == 0) return never;
  epoch_number found = 0;
  if (sent_in.compare_exchange_strong(found, never, std::memory_order_acq_rel)) return never;
  return found == before ? 0 : found;
}

std::optional<stored_outbox_message> decode_parcel(bytes_view content) {
  stored_content s;
  try {
    decode_into(s, content);
  } catch (const error&) {
    return std::nullopt;
  }
  if (!s.id && !s.key) return std::nullopt;
  stored_outbox_message p;
  p.actor = std::move(s.actor);
  p.to = counted_ptr<address>::adopt(new address);
  p.to->how = static_cast<address::intent>(s.how);
  if (s.id) p.to->id = *s.id;
  if (s.key) p.to->key = std::move(*s.key);
  if (s.input || !s.labels.empty()) {
    p.to->given =
        std::make_unique<const address::creation_args>(address::creation_args{std::move(s.input), std::move(s.labels)});
  }
  p.queue = std::move(s.queue);
  p.body = std::move(s.body);
  p.times = {wall_time{std::chrono::milliseconds{s.due_at}}, wall_time{std::chrono::milliseconds{s.sent_at}}};
  return p;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
