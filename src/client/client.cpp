#include <troupe/client/client.hpp>

#include <utility>

#include <fmt/format.h>

#include <troupe/actor/stored_version.hpp>
#include <troupe/client/untyped.hpp>
#include <troupe/core/error.hpp>

#include "../runtime/committer.hpp"
#include "../runtime/core.hpp"
#include "../runtime/durable_wait.hpp"
#include "../runtime/list_wait.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t tags_max = 32;
constexpr std::size_t tag_bytes_max = 128;

void check_tags(const tags& labels) {
  if (labels.size() > tags_max) {
    throw error(errc::invalid_request, fmt::format("an actor has at most {} tags, not {}", tags_max, labels.size()));
  }
  for (const auto& [name, value] : labels) {
    if (name.empty()) throw error(errc::invalid_request, "the name of a tag may not be empty");
    if (name.size() > tag_bytes_max || value.size() > tag_bytes_max) {
      throw error(
          errc::invalid_request,
          fmt::format("the tag \"{:.32}\" is too large: name and value have at most {} bytes", name, tag_bytes_max));
    }
  }
}

void check_input_size(const definition& type, std::size_t size) {
  if (size <= type.options.input_bytes_max) return;
  throw error(errc::input_too_large, fmt::format("{} bytes for {}, {} are allowed (options::input_bytes_max)", size,
                                                 type.name, type.options.input_bytes_max));
}

address& make_address(const std::shared_ptr<runtime_core>& core, const definition& type, address::intent how,
                      troupe::key&& key) {
  auto* const a = new address;
  a->core = core;
  a->type = &type;
  a->how = how;
  a->key = std::move(key);
  return *a;
}

}  // namespace

handle_core address_key(const std::shared_ptr<runtime_core>& core, const void* type, address::intent how,
                        troupe::key&& key) {
  return handle_core{make_address(core, core->find(type), how, std::move(key))};
}

handle_core address_key(const std::shared_ptr<runtime_core>& core, const void* type, address::intent how,
                        troupe::key&& key, std::optional<bytes> input, tags labels) {
  const definition& d = core->find(type);
  check_tags(labels);
  if (input) check_input_size(d, input->size());
  auto& a = make_address(core, d, how, std::move(key));
  handle_core result{a};
  if (input || !labels.empty()) {
    a.given = std::make_unique<const address::gifts>(address::gifts{std::move(input), std::move(labels)});
  }
  return result;
}

handle_core address_id(const std::shared_ptr<runtime_core>& core, const void* type, const actor_id& id) {
  const definition& d = core->find(type);
  auto* const a = new address;
  a->core = core;
  a->type = &d;
  a->how = address::intent::by_id;
  a->id = id;
  return handle_core{*a};
}

namespace {

const definition& require(const runtime_core& core, std::string_view type) {
  const definition* const found = core.find(type);
  if (found != nullptr) return *found;
  throw error(errc::not_registered, fmt::format("\"{}\"; {}", type, list_names(core.names())));
}

bytes checked_input(const definition& type, bytes_view cbor) {
  const auto refuse = [&](std::string_view why) {
    throw error(errc::invalid_request, fmt::format("{}, the creation input: {}", type.name, why));
  };
  if (type.check_input == nullptr) refuse("none is taken");
  auto input = with_version({cbor.begin(), cbor.end()}, type.input_version);
  try {
    type.check_input(input);
  } catch (const error& e) {
    refuse(e.message());
  }
  return input;
}

}  // namespace

handle_core address_key(const std::shared_ptr<runtime_core>& core, std::string_view type, address::intent how,
                        troupe::key&& key, bytes_view input, tags labels) {
  const definition& d = require(*core, type);
  std::optional<bytes> checked;
  if (!input.empty()) {
    check_input_size(d, input.size());
    checked = checked_input(d, input);
  }
  return address_key(core, d.type, how, std::move(key), std::move(checked), std::move(labels));
}

handle_core address_id(const std::shared_ptr<runtime_core>& core, std::string_view type, const actor_id& id) {
  return address_id(core, require(*core, type).type, id);
}

task<handle_core> create(handle_core to) {
  lookup_call lookup{to};
  const actor_id id = co_await lookup;
  co_return address_id(to.where().core, to.where().type->type, id);
}

task<std::vector<actor_summary>> list_actors(std::shared_ptr<runtime_core> core, const void* type,
                                             std::optional<tags> labels, page p) {
  const definition& d = core->find(type);
  core->require_running();
  durable_wait all_so_far{*core, core->commits().newest()};
  co_await all_so_far;
  list_wait list{*core};
  list.name = d.name;
  list.labels = labels ? &*labels : nullptr;
  list.after = p.after;
  list.limit = p.limit;
  co_await list;
  std::vector<actor_summary> found;
  found.reserve(list.found.size());
  for (auto& r : list.found) {
    found.push_back(actor_summary{r.id, troupe::key::parse(r.key), std::move(r.labels), r.created_at});
  }
  co_return found;
}

}  // namespace detail

// --- by name --------------------------------------------------------------------------------------------------------

namespace {

task<untyped_handle> create_untyped(detail::handle_core to) {
  auto made = co_await detail::create(std::move(to));
  co_return untyped_handle{std::move(made)};
}

}  // namespace

using intent = detail::address::intent;

untyped_handle client::open(std::string_view type, troupe::key key) const {
  return untyped_handle{detail::address_key(core_, type, intent::get, std::move(key), {}, {})};
}

untyped_handle client::open(std::string_view type, const actor_id& id) const {
  return untyped_handle{detail::address_id(core_, type, id)};
}

untyped_handle client::open_or_create(std::string_view type, troupe::key key) const {
  return open_or_create(type, std::move(key), {}, {});
}

untyped_handle client::open_or_create(std::string_view type, troupe::key key, bytes_view input) const {
  return open_or_create(type, std::move(key), input, {});
}

untyped_handle client::open_or_create(std::string_view type, troupe::key key, bytes_view input, tags labels) const {
  return untyped_handle{
      detail::address_key(core_, type, intent::get_or_create, std::move(key), input, std::move(labels))};
}

task<untyped_handle> client::create(std::string_view type, troupe::key key) const {
  return create(type, std::move(key), {}, {});
}

task<untyped_handle> client::create(std::string_view type, troupe::key key, bytes_view input) const {
  return create(type, std::move(key), input, {});
}

task<untyped_handle> client::create(std::string_view type, troupe::key key, bytes_view input, tags labels) const {
  return create_untyped(detail::address_key(core_, type, intent::create, std::move(key), input, std::move(labels)));
}

}  // namespace v0
}  // namespace troupe
