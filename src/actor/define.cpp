#include <troupe/actor/define.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <troupe/actor/registry.hpp>
#include <troupe/codec/json_text.hpp>

namespace troupe::inline v0 {
namespace detail {
namespace {

std::string quoted(const std::string& name) { return to_json(encode(name)); }

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

void check_definition(const definition& d) {
  for (auto one = d.actions.begin(); one != d.actions.end(); ++one) {
    if (std::any_of(d.actions.begin(), one, [&](const action_entry& other) { return other.name == one->name; })) {
      throw error(
          errc::invalid_config,
          fmt::format("{} has two actions named \"{}\"; give one another name with troupe::named", d.name, one->name));
    }
  }
}

std::string describe(const definition& d) {
  std::string actions;
  for (const auto& a : d.actions) {
    auto schema = a.schema();
    schema.pop_back();
    actions += fmt::format(R"({}{}:{},"readOnly":{},"exclusive":{}}})", actions.empty() ? "" : ",", quoted(a.name),
                           schema, !a.writes, a.exclusive);
  }
  return fmt::format(R"({{"name":{},"version":{},"state":{},"actions":{{{}}}}})", quoted(d.name), d.version,
                     d.state_schema(), actions);
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

}  // namespace detail

void registry::add(detail::definition d) {
  if (d.name.empty()) throw error(errc::invalid_config, "an actor's name may not be empty");
  if (d.name.size() > name_bytes_max) {
    throw error(errc::invalid_config, fmt::format("the name \"{:.16}...\" has {} bytes, {} are allowed", d.name,
                                                  d.name.size(), name_bytes_max));
  }
  for (const auto& other : definitions_) {
    if (other->name == d.name) throw error(errc::invalid_config, fmt::format("two actors are named \"{}\"", d.name));
    if (other->type == d.type) {
      throw error(errc::invalid_config, fmt::format("\"{}\" and \"{}\" are the same type", other->name, d.name));
    }
  }
  const auto& o = d.options;
  const auto positive = [&](std::chrono::nanoseconds value, const char* option) {
    if (value <= value.zero()) {
      throw error(errc::invalid_config, fmt::format("{}: options::{} must be more than 0", d.name, option));
    }
  };
  positive(o.sleep_after, "sleep_after");
  positive(o.sleep_grace_period, "sleep_grace_period");
  positive(o.save_interval, "save_interval");
  positive(o.action_timeout, "action_timeout");
  positive(o.on_create_timeout, "on_create_timeout");
  positive(o.on_wake_timeout, "on_wake_timeout");
  if (o.mailbox_calls_max == 0) {
    throw error(errc::invalid_config, fmt::format("{}: options::mailbox_calls_max must be more than 0", d.name));
  }
  definitions_.push_back(std::make_shared<const detail::definition>(std::move(d)));
}

std::string registry::describe() const {
  std::string all;
  for (const auto& d : definitions_) all += fmt::format("{}{}", all.empty() ? "" : ",", detail::describe(*d));
  return fmt::format("[{}]", all);  // g++ 12 -O3 sees an overlap in "[" + all (GCC PR 105651)
}

}  // namespace troupe::inline v0
