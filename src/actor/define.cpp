// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/define.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

#include <fmt/format.h>

#include <troupe/codec/cbor.hpp>
#include <troupe/codec/json_text.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

std::string quoted(const std::string& name) { return to_json(encode(name)); }

[[noreturn]] void refuse(const definition& d, std::string_view why) {
  throw error(errc::invalid_request, fmt::format("{}, the params of the connection: {}", d.name, why));
}

class plain_connection final : public connection_core {
 public:
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }
};

}  // namespace

std::string wire_name(std::string_view written, naming policy) {
  if (policy == naming::as_written) return std::string{written};
  std::string name;
  bool upper = false;
  for (const char c : written) {
    if (c == '_' && !name.empty()) {
      upper = true;
      continue;
    }
    name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return name;
}

namespace {

template <class Entries>
void check_names(const definition& d, const Entries& entries, const char* kind, const char* remedy) {
  for (auto one = entries.begin(); one != entries.end(); ++one) {
    if (std::any_of(entries.begin(), one, [&](const auto& other) { return other.name == one->name; })) {
      throw error(errc::invalid_config, fmt::format("{} has two {} named \"{}\"; {}", d.name, kind, one->name, remedy));
    }
  }
}

void check_queue(const definition& d, const queue_entry& q) {
  const auto& o = q.options;
  const auto require = [&](bool holds, const char* what) {
    if (!holds) throw error(errc::invalid_config, fmt::format("{}, queue \"{}\": {}", d.name, q.name, what));
  };
  require(o.messages_max > 0, "queue_options::messages_max must be more than 0");
  require(o.message_bytes_max > 0, "queue_options::message_bytes_max must be more than 0");
  require(o.attempts_max > 0, "queue_options::attempts_max must be more than 0");
  require(o.retry_min >= o.retry_min.zero() && o.retry_min <= o.retry_max,
          "queue_options::retry_min must be between 0 and retry_max");
  require(o.visibility_timeout > o.visibility_timeout.zero(),
          "queue_options::visibility_timeout must be more than 0");
  require(o.concurrency > 0, "queue_options::concurrency must be more than 0");
}

}  // namespace

void add_entries(definition& d, std::span<const entry_facts> entries, naming policy) {
  for (const auto& from : entries) {
    switch (from.kind) {
      case entry_kind::action: {
        auto name = from.name.empty() ? wire_name(from.action->name, policy) : std::string{from.name};
        d.actions.push_back({std::move(name), from.exclusive, from.action, from.make, from.schema,
                             from.encode_arguments, from.decode_value});
        break;
      }
      case entry_kind::event: 
        d.events.push_back({std::string{from.name}, from.schema, from.encode, from.decode});
        break;
      case entry_kind::queue:
        d.queues.push_back({std::string{from.name}, from.options, from.check, from.schema, from.result_schema,
                            from.message_version, from.consume, from.consumer_waits});
        d.has_handlers = d.has_handlers || from.consume != nullptr;
        break;
      case entry_kind::services:
        d.services.insert(d.services.end(), from.services.begin(), from.services.end());
        break;
    }
  }
  if (!d.queues.empty()) d.parts.push_back(queue_part(d));
}

void check_definition(const definition& d) {
  check_names(d, d.actions, "actions", "give one another name with troupe::named");
  check_names(d, d.events, "events", "give one another name in its type");
  check_names(d, d.queues, "queues", "give one another name in its type");
  for (const auto& q : d.queues) check_queue(d, q);
}

std::string describe(const definition& d) {
  std::string actions;
  for (const auto& a : d.actions) {
    auto schema = a.schema();
    schema.pop_back();
    actions += fmt::format(R"({}{}:{},"readOnly":{},"exclusive":{}}})", actions.empty() ? "" : ",", quoted(a.name),
                           schema, !a.facts->writes, a.exclusive);
  }
  std::string events;
  for (const auto& e : d.events) {
    events += fmt::format("{}{}:{}", events.empty() ? "" : ",", quoted(e.name), e.schema());
  }
  std::string queues;
  for (const auto& q : d.queues) {
    const auto version = q.message_version > 1 ? fmt::format(R"(,"version":{})", q.message_version) : std::string{};
    queues += fmt::format(R"({}{}:{{"message":{},"result":{}{}}})", queues.empty() ? "" : ",", quoted(q.name),
                          q.message_schema(), q.result_schema(), version);
  }
  return fmt::format(R"({{"name":{},"version":{},"state":{},"actions":{{{}}},"events":{{{}}},"queues":{{{}}}}})",
                     quoted(d.name), d.version, d.state_schema(), actions, events, queues);
}

bool open_arguments(cbor_reader& reader, std::string_view action, std::size_t wanted) {
  const auto refuse = [&](const std::string& why) {
    throw error(errc::invalid_request, fmt::format("{}: {}", action, why));
  };
  std::optional<std::size_t> count;
  try {
    if (reader.peek() != cbor_type::array) refuse("the arguments are not an array");
    count = reader.array_size();
  } catch (const error& e) {
    if (e.is(errc::invalid_request)) throw;
    refuse(e.message());
  }
  if (count && *count != wanted) refuse(fmt::format("{} arguments were given, it takes {}", *count, wanted));
  return !count;
}

void close_arguments(cbor_reader& reader, std::string_view action, bool open_ended) {
  try {
    if (open_ended && !reader.at_break())
      throw error(errc::invalid_data, "there are more arguments than the action takes");
    reader.finish();
  } catch (const error& e) {
    throw error(errc::invalid_request, fmt::format("{}: {}", action, e.message()));
  }
}

void refuse_argument(std::string_view action, std::size_t index, const error& why) {
  throw error(errc::invalid_request, fmt::format("{}: argument {}: {}", action, index + 1, why.message()));
}

counted_ptr<connection_core> make_plain_connection(const definition& d, bytes_view params) {
  require_no_params(d, params);
  return counted_ptr<connection_core>::adopt(new plain_connection);
}

void require_no_params(const definition& d, bytes_view params) {
  if (params.empty()) return;
  bool is_null = false;
  try {
    cbor_reader reader{params};
    is_null = reader.take_null() && reader.remaining() == 0;
  } catch (const error& e) {
    refuse_params(d, e);
  }
  if (!is_null) refuse(d, "none are taken");
}

void refuse_params(const definition& d, const error& why) { refuse(d, why.message()); }

void refuse_params_without_codec(const definition& d) {
  refuse(d, "their type has no codec, so only typed handles can connect");
}

bytes_view params_or_null(bytes_view params) noexcept {
  static constexpr std::array null{std::byte{0xf6}};
  return params.empty() ? bytes_view{null} : params;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
