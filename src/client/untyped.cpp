// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/untyped.hpp>

#include <utility>

#include <troupe/actor/address.hpp>
#include <troupe/actor/listener_wait.hpp>
#include <troupe/client/post.hpp>
#include <troupe/codec/json_text.hpp>

#include "named.hpp"

namespace troupe {
inline namespace v0 {
namespace {

const detail::definition& type_of(const detail::connection_core& c) noexcept { return *c.address->type; }

bytes copy_of(bytes_view view) { return {view.begin(), view.end()}; }

}  // namespace

// --- messages -------------------------------------------------------------------------------------------------------

template <class Result>
std::optional<Result> named_send_and_wait<Result>::await_resume() {
  conclude();
  const auto& given = answer();
  if (!given) return std::nullopt;
  if constexpr (std::is_same_v<Result, bytes>) {
    return *given;
  } else {
    return to_json(*given);
  }
}

template class named_send_and_wait<std::string>;
template class named_send_and_wait<bytes>;

// --- handles --------------------------------------------------------------------------------------------------------

void untyped_handle::post(std::string_view action, std::string_view json_arguments) const {
  post(action, bytes_view{detail::decode_arguments(action, json_arguments)});
}

void untyped_handle::post(std::string_view action, bytes_view cbor_arguments) const {
  struct parts {
    const detail::address& to;
    std::string_view action;
    bytes_view arguments;
  } from{core_.where(), action, cbor_arguments};
  detail::check_named(core_.where(), action);
  detail::launch_posted(
      core_,
      [](executor& home, void* given) -> detail::invocation* {
        const auto& [to, name, arguments] = *static_cast<parts*>(given);
        return detail::make_named(home, to, name, arguments);
      },
      &from);
}

untyped_connect_call untyped_handle::connect(bytes_view params) const {
  const detail::definition& type = *core_.where().type;
  return untyped_connect_call{core_, type.make_connection(type, params)};
}

untyped_connection untyped_connect_call::await_resume() {
  auto opened = take();
  return untyped_connection{untyped_handle{over()}, std::move(opened)};
}

untyped_connection untyped_connect_call::get() {
  block();
  return await_resume();
}

// --- events ---------------------------------------------------------------------------------------------------------

std::uint32_t untyped_connection::place_of(std::string_view event) const {
  return detail::require_event(type_of(core()), event);
}

const detail::event_entry& untyped_connection::entry_of(std::uint32_t place) const {
  return type_of(core()).events[place];
}

untyped_event_stream untyped_connection::stream(std::string_view event) const {
  return untyped_event_stream{detail::listen(core(), place_of(event), detail::listener::kind::stream, nullptr)};
}

task<bytes> untyped_connection::next(std::string_view event) const {
  return untyped_event_stream::take_first(
      untyped_event_stream{detail::listen(core(), place_of(event), detail::listener::kind::next, nullptr)});
}

task<std::optional<bytes>> untyped_event_stream::take(detail::counted_ptr<detail::listener> from) {
  if (!from) subscription::refuse_empty();
  detail::listener_wait wait{*from, detail::listener_wait::until::heard};
  detail::event_record* const heard = co_await wait;
  const auto record = detail::counted_ptr<detail::event_record>::adopt(heard);
  std::optional<bytes> values;
  if (heard != nullptr) values = copy_of(heard->encoded(type_of(*from->of).events[from->event].encode));
  co_return values;
}

task<bytes> untyped_event_stream::take_first(untyped_event_stream events) {
  auto heard = std::move(events);  // a local ends with the body, a parameter with the task
  auto values = co_await heard.next();
  if (!values) heard.subscription_.listener_->of->throw_closed();
  co_return std::move(*values);
}

}  // namespace v0
}  // namespace troupe
