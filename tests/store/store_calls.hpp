// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <troupe/core/error.hpp>
#include <troupe/store/store.hpp>

/// Calls of a store that answers before it returns, as ours do.
namespace store_calls {

inline troupe::bytes to_bytes(std::string_view text) {
  const auto view = std::as_bytes(std::span{text});
  return {view.begin(), view.end()};
}

inline std::string to_text(const troupe::bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline troupe::actor_id id(std::uint8_t number) {
  troupe::actor_id::bytes_type bytes{};
  bytes.back() = number;
  return troupe::actor_id{bytes};
}

inline troupe::write_set update(std::uint8_t number, troupe::bytes_view state) {
  troupe::write_set write;
  write.id = id(number);
  write.state = state;
  return write;
}

/// Commits, and gives the request back to look at.
inline troupe::commit_request commit(troupe::store& store, std::vector<troupe::write_set> writes) {
  troupe::commit_request request;
  request.writes = std::move(writes);
  request.done = [](troupe::commit_request&) noexcept {};
  store.commit(request);
  return request;
}

inline troupe::commit_request create(troupe::store& store, std::uint8_t number, std::string_view state,
                                     std::string_view key = {}, std::string_view name = "counter") {
  const std::string own_key = key.empty() ? "key-" + std::to_string(number) : std::string{key};
  const troupe::bytes bytes = to_bytes(state);
  troupe::write_set::creation creation;
  creation.name = name;
  creation.key = own_key;
  troupe::write_set write = update(number, bytes);
  write.what = troupe::write_set::action::create;
  write.created = &creation;
  return commit(store, {write});
}

inline troupe::commit_request update(troupe::store& store, std::uint8_t number, std::string_view state) {
  const troupe::bytes bytes = to_bytes(state);
  return commit(store, {update(number, bytes)});
}

inline bool is_committed(const troupe::commit_request& request) {
  return request.result == troupe::commit_request::outcome::committed && !request.failure;
}

/// The state, if the actor is there.
inline std::optional<std::string> load(troupe::store& store, std::uint8_t number) {
  troupe::load_request request;
  request.id = id(number);
  request.done = [](troupe::load_request&) noexcept {};
  store.load(request);
  if (request.failure) std::rethrow_exception(request.failure);
  if (!request.found) return std::nullopt;
  return to_text(request.found->state);
}

/// One actor sends and gets a message under the same number, and is kept as it is.
inline troupe::commit_request send_and_put(troupe::store& store, std::uint8_t number, std::uint64_t message,
                                           std::string_view body) {
  const troupe::bytes bytes = to_bytes(body);
  const troupe::write_set::sent_message sent{.id = message, .content = bytes};
  troupe::write_set::message put;
  put.id = message;
  put.queue = "queue";
  put.body = bytes;
  troupe::write_set write = update(number, {});
  write.what = troupe::write_set::action::keep;
  write.messages = {&put, 1};
  write.sent = {&sent, 1};
  return commit(store, {write});
}

/// The actor's messages, as "1:body 2:body".
inline std::string messages(troupe::store& store, std::uint8_t number) {
  troupe::load_request request;
  request.id = id(number);
  request.with_messages = true;
  request.done = [](troupe::load_request&) noexcept {};
  store.load(request);
  if (request.failure) std::rethrow_exception(request.failure);
  std::string all;
  for (const auto& message : request.found.value().messages) {
    all += (all.empty() ? "" : " ") + std::to_string(message.id) + ":" + to_text(message.body);
  }
  return all;
}

/// What is on its way, written the same way.
inline std::string outgoing(troupe::store& store) {
  troupe::outgoing_request request;
  request.done = [](troupe::outgoing_request&) noexcept {};
  store.list_outgoing(request);
  if (request.failure) std::rethrow_exception(request.failure);
  std::string all;
  for (const auto& message : request.found) {
    all += (all.empty() ? "" : " ") + std::to_string(message.id) + ":" + to_text(message.content);
  }
  return all;
}

/// A row of a part, and its due time in milliseconds if it has one; or that it is gone.
inline troupe::commit_request put_part(troupe::store& store, std::uint8_t number, std::uint32_t collection,
                                       std::string_view key, std::optional<std::string_view> value,
                                       std::optional<int> due = {}) {
  const troupe::bytes key_bytes = to_bytes(key);
  const troupe::bytes value_bytes = to_bytes(value.value_or(""));
  troupe::part_change change;
  change.collection = collection;
  change.key = key_bytes;
  if (value) change.value = value_bytes;
  if (due) change.due.emplace(std::chrono::milliseconds{*due});
  troupe::write_set write = update(number, {});
  write.what = troupe::write_set::action::keep;
  write.parts = {&change, 1};
  return commit(store, {write});
}

/// The rows of an actor's collection, as "key:value key:value".
inline std::string parts(troupe::store& store, std::uint8_t number, std::uint32_t collection) {
  troupe::parts_request request;
  request.actor = id(number);
  request.collection = collection;
  request.done = [](troupe::parts_request&) noexcept {};
  store.list_parts(request);
  if (request.failure) std::rethrow_exception(request.failure);
  std::string all;
  for (const auto& row : request.found) {
    all += (all.empty() ? "" : " ") + to_text(row.key) + ":" + to_text(row.value);
  }
  return all;
}

/// What is due, as "time:actor/key time:actor/key".
inline std::string due(troupe::store& store) {
  troupe::due_request request;
  request.done = [](troupe::due_request&) noexcept {};
  store.list_due(request);
  if (request.failure) std::rethrow_exception(request.failure);
  std::string all;
  for (const auto& row : request.found) {
    all += (all.empty() ? "" : " ") + std::to_string(row.due.time_since_epoch().count()) + ":" + row.actor_key + "/" +
           to_text(row.key);
  }
  return all;
}

/// The whole error line, or nothing if there is no error.
inline std::string text_of(const std::exception_ptr& failure) {
  if (!failure) return {};
  try {
    std::rethrow_exception(failure);
  } catch (const troupe::error& e) {
    return e.what();
  }
}

template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (...) {
    return text_of(std::current_exception());
  }
  return {};
}

inline std::string read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline void write_file(const std::string& path, std::string_view contents) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace store_calls
