// SPDX-License-Identifier: Apache-2.0
// Actor per entity: one actor for each user, document, device or order, named by the entity's own key. Its state is in
// one place and its rules run one at a time, so they need no locks and no transactions. Use it wherever a thing has an
// identity; do not use it for questions about all things at once (ask a database or an index actor those).

#include <troupe/troupe.hpp>

#include "support.hpp"

// [user]
struct user {
  struct registration {
    std::string email;
  };

  std::string email;
  int logins = 0;

  void on_create(troupe::context<user>&, registration input) {
    if (input.email.find('@') == std::string::npos) {
      throw troupe::user_error{"invalid_email", "An e-mail address has an @"};  // then there is no such user
    }
    email = std::move(input.email);
  }

  int log_in() { return ++logins; }
  void change_email(std::string to) { email = std::move(to); }
  std::string contact() const { return email; }
  void leave(troupe::context<user>& c) { c.destroy(); }

  using actor = troupe::actor<user, &user::log_in, &user::change_email, &user::contact, &user::leave>;
};
// [/user]

troupe::task<troupe::actor_id> first_run(troupe::client client) {
  // [create]
  troupe::tags plan{{"plan", "free"}};
  auto made = co_await client.create<user>("alice", "alice@example.com", plan);  // the members of a registration
  co_await made.call<&user::change_email>("alice@example.org");
  // [/create]

  // [duplicate]
  std::string existing;
  try {
    const user::registration again{"alice@example.com"};
    co_await client.create<user>("alice", again);
  } catch (const troupe::error& e) {
    check(e.is(troupe::errc::duplicate_key));
    existing = e.metadata();  // JSON: the key, and the id of the actor that has it
  }
  // [/duplicate]
  const auto id = co_await made.resolve();
  check(existing.find(id.str()) != std::string::npos);

  bool refused = false;
  user::registration nobody{"nobody"};
  try {
    co_await client.create<user>("nobody", nobody);
  } catch (const troupe::user_error& e) {
    refused = e.code() == "invalid_email";
  }
  check(refused);
  co_return id;
}

troupe::task<> second_run(troupe::client client, troupe::actor_id id) {
  // [find]
  auto alice = client.get<user>("alice");  // must exist
  const std::string contact = co_await alice.call<&user::contact>();
  troupe::tags plan{{"plan", "free"}};
  const auto free_users = co_await client.find<user>(plan);
  // [/find]
  check(contact == "alice@example.org");
  check(free_users.size() == 1 && free_users.front().id == id);

  // [leave]
  co_await alice.call<&user::leave>();  // the key is free again, the id is never used again
  bool gone = false;
  try {
    co_await client.get_for_id<user>(id).call<&user::contact>();
  } catch (const troupe::error& e) {
    gone = e.is(troupe::errc::not_found);
  }
  // [/leave]
  check(gone);
}

int main() {
  const temporary_folder folder;
  troupe::registry registry;
  registry.use<user>("user");
  const troupe::runtime_options options{.store = troupe::sqlite{folder / "users.db"}};
  troupe::actor_id id;
  {
    troupe::runtime runtime{registry, options};
    id = runtime.run(first_run(runtime.client()));
  }
  troupe::runtime runtime{registry, options};
  runtime.run(second_run(runtime.client(), id));
  return 0;
}
