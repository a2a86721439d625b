// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/client.hpp>

#include <utility>

#include <fmt/format.h>

#include <troupe/actor/stored_version.hpp>
#include <troupe/actor/transport.hpp>
#include <troupe/client/call.hpp>
#include <troupe/client/untyped.hpp>
#include <troupe/codec/codec.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

#include "../runtime/commit_ledger.hpp"
#include "../runtime/core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

void check_input_size(const definition& type, std::size_t size) {
  if (size <= type.options.input_bytes_max) return;
  throw error(errc::input_too_large, fmt::format("{} bytes for {}, {} are allowed (options::input_bytes_max)", size,
                                                 type.name, type.options.input_bytes_max));
}

address& make_address(const std::shared_ptr<transport>& over, const definition& type, address::intent how,
                      troupe::key&& key) {
  auto* const a = new address;
  a->transport = over;
  a->type = &type;
  a->how = how;
  a->key = std::move(key);
  return *a;
}

}  // namespace

handle_core address_key(const std::shared_ptr<transport>& over, const void* type, address::intent how,
                        troupe::key&& key) {
  return handle_core{make_address(over, over->find(type), how, std::move(key))};
}

handle_core address_key(const std::shared_ptr<transport>& over, const void* type, address::intent how,
                        troupe::key&& key, std::optional<bytes> input, tags labels) {
  const definition& d = over->find(type);
  check_tags(labels);
  if (input) check_input_size(d, input->size());
  auto& a = make_address(over, d, how, std::move(key));
  handle_core result{a};
  if (input || !labels.empty()) {
    a.given =
        std::make_unique<const address::creation_args>(address::creation_args{std::move(input), std::move(labels)});
  }
  return result;
}

handle_core address_id(const std::shared_ptr<transport>& over, const void* type, const actor_id& id) {
  const definition& d = over->find(type);
  auto* const a = new address;
  a->transport = over;
  a->type = &d;
  a->how = address::intent::by_id;
  a->id = id;
  return handle_core{*a};
}

namespace {

const definition& require(const transport& over, std::string_view type) {
  const definition* const found = over.find(type);
  if (found != nullptr) return *found;
  throw error(errc::not_registered, fmt::format("\"{}\"; {}", type, list_names(over.names())));
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

handle_core address_key(const std::shared_ptr<transport>& over, std::string_view type, address::intent how,
                        troupe::key&& key, bytes_view input, tags labels) {
  const definition& d = require(*over, type);
  std::optional<bytes> checked;
  if (!input.empty()) {
    check_input_size(d, input.size());
    checked = checked_input(d, input);
  }
  return address_key(over, d.type, how, std::move(key), std::move(checked), std::move(labels));
}

handle_core address_id(const std::shared_ptr<transport>& over, std::string_view type, const actor_id& id) {
  return address_id(over, require(*over, type).type, id);
}

task<handle_core> create(handle_core to) {
  lookup_call lookup{to};
  const actor_id id = co_await lookup;
  co_return address_id(to.where().transport, to.where().type->type, id);
}

// --- listings -------------------------------------------------------------------------------------------------------

namespace {

/// Asks another process for a listing.
class list_invocation final : public invocation {
 public:
  list_invocation(executor& home, listing_request wanted) : invocation{home}, wanted_{std::move(wanted)} {
    kind = purpose::lookup;
  }

  std::coroutine_handle<> begin(activation*) override {
    TROUPE_ASSERT(false, "a listing of this process's actors takes no invocation");
    return nullptr;
  }
  void finish() override {}
  [[nodiscard]] std::string_view what() const noexcept override { return "list"; }
  [[nodiscard]] request as_request() const override {
    request asked;
    asked.asks = request::verb::list;
    asked.body = encode(wanted_);
    return asked;
  }
  void take_answer(bytes_view answer) override { found = decode<std::vector<actor_summary>>(answer); }

  std::vector<actor_summary> found;

 private:
  const listing_request wanted_;
};

class list_call final : public call_core {
 public:
  list_call(handle_core to, listing_request wanted) : call_core{std::move(to)}, wanted_{std::move(wanted)} {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  std::vector<actor_summary> await_resume() {
    conclude();
    return std::move(static_cast<list_invocation*>(record())->found);
  }

 private:
  invocation* make(executor& home) override { return new list_invocation{home, std::move(wanted_)}; }

  listing_request wanted_;
};

task<std::vector<actor_summary>> list_here(std::shared_ptr<transport> over, const definition* type,
                                           std::optional<tags> labels, page p) {
  auto listing = over->local()->list(*type, std::move(labels), p);
  auto found = co_await std::move(listing);
  co_return found;
}

task<std::vector<actor_summary>> list_elsewhere(std::shared_ptr<transport> over, const definition* type,
                                                std::optional<tags> labels, page p) {
  list_call listing{handle_core{make_address(over, *type, address::intent::by_id, {})},
                    listing_request{p.limit, p.after, std::move(labels)}};
  auto found = co_await listing;
  co_return found;
}

task<std::vector<actor_summary>> list_of(std::shared_ptr<transport> over, const definition& type,
                                         std::optional<tags> labels, page p) {
  const bool is_here = over->local() != nullptr;
  return (is_here ? list_here : list_elsewhere)(std::move(over), &type, std::move(labels), p);
}

}  // namespace

task<std::vector<actor_summary>> list_actors(std::shared_ptr<transport> over, const void* type,
                                             std::optional<tags> labels, page p) {
  const definition& d = over->find(type);
  auto listing = list_of(std::move(over), d, std::move(labels), p);
  auto found = co_await std::move(listing);
  co_return found;
}

task<std::vector<actor_summary>> list_actors(std::shared_ptr<transport> over, std::string_view type,
                                             std::optional<tags> labels, page p) {
  const definition& d = require(*over, type);
  return list_of(std::move(over), d, std::move(labels), p);
}

const std::shared_ptr<transport>& transport_of(const client& c) noexcept { return c.transport_; }

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
  return untyped_handle{detail::address_key(transport_, type, intent::get, std::move(key), {}, {})};
}

untyped_handle client::open(std::string_view type, const actor_id& id) const {
  return untyped_handle{detail::address_id(transport_, type, id)};
}

untyped_handle client::open_or_create(std::string_view type, troupe::key key) const {
  return open_or_create(type, std::move(key), {}, {});
}

untyped_handle client::open_or_create(std::string_view type, troupe::key key, bytes_view input) const {
  return open_or_create(type, std::move(key), input, {});
}

untyped_handle client::open_or_create(std::string_view type, troupe::key key, bytes_view input, tags labels) const {
  return untyped_handle{
      detail::address_key(transport_, type, intent::get_or_create, std::move(key), input, std::move(labels))};
}

task<untyped_handle> client::create(std::string_view type, troupe::key key) const {
  return create(type, std::move(key), {}, {});
}

task<untyped_handle> client::create(std::string_view type, troupe::key key, bytes_view input) const {
  return create(type, std::move(key), input, {});
}

task<untyped_handle> client::create(std::string_view type, troupe::key key, bytes_view input, tags labels) const {
  return create_untyped(
      detail::address_key(transport_, type, intent::create, std::move(key), input, std::move(labels)));
}

}  // namespace v0
}  // namespace troupe
