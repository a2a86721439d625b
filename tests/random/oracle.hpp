// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "program.hpp"

// A plain model of what the documentation promises. Every call, post, message and event of a program is an effect with
// a number of its own. The programs tell the oracle what they ask for, what happens, and what they are answered; actors
// write the numbers into their state, and the oracle compares that with what is stored. It lives outside of the
// simulated process. All members may be called from any thread.

namespace random_programs {

using effect_id = std::uint64_t;
using nanoseconds = std::chrono::nanoseconds;

/// A promise that was broken: which one, by the name that `--allow` takes, and how.
class broken_promise : public std::runtime_error {
 public:
  broken_promise(std::string which, const std::string& how)
      : std::runtime_error{which + ": " + how}, rule{std::move(which)} {}
  std::string rule;
};

enum class part : std::uint32_t { begun, ended, sent, told };

/// What an actor notes in its state. It is changed in the turn that it speaks of.
struct entry {
  effect_id effect = 0;
  part what = part::begun;

  bool operator==(const entry&) const = default;
  auto operator<=>(const entry&) const = default;
};

/// Nests as deep as one likes.
struct nest {
  std::vector<nest> in;
};

/// What all actors have in their state.
struct book {
  struct shelf {
    struct box {
      std::vector<nest> nests;
    };
    box deep;
  };

  std::string id;               ///< of the actor that wrote it
  std::vector<entry> entries;
  std::string padding;          ///< makes the state large
  shelf kept;
  std::uint64_t told = 0;       ///< events so far
  std::uint64_t heard = 0;      ///< those of others
};

/// An actor as a crash would leave it.
struct stored_actor {
  std::optional<book> content;
  std::set<effect_id> waiting, dead;
};

enum class way : std::uint8_t { call, post, message, event, hook, background };

struct effect {
  way how = way::call;
  bool from_host = false;
  std::uint32_t to = 0;
  effect_id parent = 0;            ///< what was running when this was asked for; 0: a host
  bool exclusive = false;
  bool follows_key = true;         ///< asked for by key, so a successor may get it
  bool creates = true;
  bool given_up_before = false;    ///< its stop token was triggered before it was asked for
  bool must_be_refused = false;    ///< `get()` where nobody may block
  bool deep = false;               ///< it makes a state that cannot be stored
  bool unsure = false;             ///< a hook of which nobody knows what has led to it
  bool one_turn = false;           ///< a message that is handled in one turn
  bool in_actor = false;           ///< a message that is a part of its sender's turn
  bool waits = false;              ///< its sender waits until it has been handled
  std::uint64_t line = 0;          ///< the connection that it goes over
  std::uint32_t from = 0;          ///< the sender of such a message
  std::string sender;              ///< its id
  nanoseconds limit{nanoseconds::max()};
  nanoseconds not_before{0};

  // What has become of it.
  nanoseconds issued{0};
  std::uint32_t process = 0;
  std::uint32_t begun = 0;
  std::uint32_t begun_here = 0;    ///< in this process
  bool active = false;
  bool ended = false;
  nanoseconds ended_at{0};
  std::string ran_in;
  std::uint32_t ran_process = 0;
  enum class answer : std::uint8_t { none, done, refused, open } answered = answer::none;
  std::string code;
};

/// When the oracle looks at what is stored.
enum class moment : std::uint8_t {
  running,      ///< in the midst of it
  after_crash,  ///< a process has started, and the one before was killed
  after_end,    ///< the one before had ended in good order
};

class oracle {
 public:
  oracle(const program& p, std::set<std::string> allowed);

  // --- the process ---

  /// A process has started.
  void process_started(std::uint32_t number);
  /// It dies or ends: what its code says from now on means nothing.
  void process_dies() { const std::lock_guard lock{mutex_}; dying_ = true; }
  void process_ends() { const std::lock_guard lock{mutex_}; ending_ = true; }
  /// The runtime has given up all promises, though the store does not fail: what follows means nothing.
  void runtime_stops();
  /// The store does not have some of the actor's changes, or may not: the actor ends, and wakes with what is stored.
  void loses(std::uint32_t actor);
  [[nodiscard]] bool has_stopped() const noexcept { const std::lock_guard lock{mutex_}; return stopped_; }
  /// Nothing goes wrong any more, and hooks do nothing.
  void begin_closing() { const std::lock_guard lock{mutex_}; closing_ = true; }
  [[nodiscard]] bool closing() const noexcept { const std::lock_guard lock{mutex_}; return closing_; }
  [[nodiscard]] kind kind_of(std::uint32_t actor) const { return program_.actors[actor]; }

  /// Virtual time, and whether the process that runs is still the one that was started.
  std::function<nanoseconds()> clock;
  std::function<bool()> is_dead = [] { return false; };
  /// Hears what happens; null while nobody does.
  std::function<void(const std::string&)> tell;
  nanoseconds slack{0};          ///< how late things may come
  bool may_be_late = false;      ///< by much more than a time-out
  bool wall_clock_jumps = false;
  bool only_looks = false;       ///< what is promised from now on may be younger than what is compared
  bool exact = true;             ///< one thread: what two threads do at the same time does not exist

  // --- what is asked for, and what happens ---

  [[nodiscard]] effect_id ask(effect e);
  void begins(effect_id e, const std::string& in, bool awake);
  /// In this process.
  [[nodiscard]] std::uint32_t times_begun(effect_id e) const {
    const std::lock_guard lock{mutex_};
    return at(e).begun_here;
  }
  void spins(effect_id e);  ///< a message that comes again and again
  void attempted(effect_id e, std::uint32_t times, std::uint32_t most, bool deaths_count);
  void goes_on(effect_id e);
  void ends(effect_id e);
  void stops(effect_id e);  ///< without having come to its end
  void answered(effect_id e, const std::exception_ptr& failure);
  void saved(effect_id e, const std::string& in);  ///< the actor was told that all it has done is durable
  void taken(effect_id e, const std::string& in);  ///< a message that is acknowledged without being handled
  /// Notes what has led to a hook of the actor: the one effect that waits for it, if there is only one.
  void find_cause(effect& hook, std::string_view name) const;
  void destroy_asked(std::uint32_t actor, const std::string& id);
  void lets_in(std::uint32_t actor, const std::string& id);  ///< a message from outside, into its queue
  void sleep_asked(std::uint32_t actor);
  void heard(std::uint64_t listener, std::uint32_t actor, const std::string& id, std::uint64_t number, effect_id e,
             bool outside);  ///< outside: what is heard there is durable
  [[nodiscard]] std::uint64_t new_listener() { const std::lock_guard lock{mutex_}; return ++listeners_; }
  void listens(std::uint64_t listener);  ///< it is connected, and begins to listen
  void store_failed_turn(std::uint32_t actor);
  [[nodiscard]] bool may_kill(effect_id e);

  /// What a hook does now, or nothing.
  [[nodiscard]] script next_hook(std::uint32_t actor, std::string_view hook);

  void expect(std::string_view rule, bool kept, const std::string& otherwise);
  template <class... T>
  void expect(std::string_view rule, bool kept, fmt::format_string<T...> otherwise, T&&... values) {
    if (!kept) expect(rule, false, fmt::format(otherwise, std::forward<T>(values)...));
  }

  // --- what is under way ---

  void host_step_begins() { const std::lock_guard lock{mutex_}; ++going_; }
  void host_step_ends() { const std::lock_guard lock{mutex_}; --going_; }
  [[nodiscard]] std::int64_t going() const { const std::lock_guard lock{mutex_}; return going_; }

  // --- what is stored ---

  /// Compares what is stored now with what must be and what may be there. `on_their_way`: messages between actors.
  void compare(const std::vector<stored_actor>& stored, std::size_t on_their_way, moment when);
  /// The same for the actors' states alone.
  void compare_states(const std::vector<stored_actor>& stored, moment when);

  [[nodiscard]] bool is_broken() const { const std::lock_guard lock{mutex_}; return broken_.has_value(); }
  /// Throws the first promise that was broken.
  void judge() const;

  [[nodiscard]] std::uint64_t count(effect::answer a) const;
  [[nodiscard]] std::size_t effects() const { const std::lock_guard lock{mutex_}; return effects_.size(); }
  [[nodiscard]] std::string describe(effect_id e) const;

 private:
  struct promise {
    effect_id of = 0;
    std::uint32_t actor = 0;
    std::string id;
    entry what;
    bool firm = false;  ///< holds for a relaxed actor, too, whatever crashes
  };

  [[nodiscard]] effect& at(effect_id e) { return effects_[e - 1]; }
  [[nodiscard]] const effect& at(effect_id e) const { return effects_[e - 1]; }
  [[nodiscard]] bool means_nothing() const { return dying_ || stopped_ || is_dead(); }
  [[nodiscard]] bool descends(effect_id e, effect_id from) const;
  [[nodiscard]] bool may_descend(effect_id e, effect_id from) const;
  [[nodiscard]] bool is_awaited_by(const effect& awaited, effect_id from) const;
  [[nodiscard]] bool is_sure(effect_id e) const;
  void tell_of(const char* what, effect_id e) const {
    if (tell) tell(fmt::format("{}: {}", what, describe(e)));
  }
  void break_promise(std::string_view rule, std::string how);
  void check_exclusion(effect_id e);
  [[nodiscard]] bool had_nested(effect_id e, nanoseconds since) const;
  void check_chain(effect_id e);
  [[nodiscard]] bool is_waited_for(effect_id e, effect_id by) const;
  void check_answer(effect_id e);
  void promise_entry(promise p);
  void compare_entries(const std::vector<stored_actor>& stored, moment when);
  void compare_messages(const std::vector<stored_actor>& stored, std::size_t on_their_way);
  void compare_promises(const std::vector<stored_actor>& stored, moment when);

  mutable std::recursive_mutex mutex_;
  const program& program_;
  std::set<std::string> allowed_;
  std::optional<broken_promise> broken_;
  std::vector<effect> effects_;
  std::vector<std::size_t> hooks_done_;
  std::vector<promise> promises_;
  std::set<std::string> ended_ids_;                         ///< actors whose end was asked for
  std::set<std::string> ended_before_;                      ///< in earlier processes
  std::set<std::string> spared_;                            ///< it is not known whether their end was stored
  std::vector<std::string> doomed_;                         ///< by actor, in this process
  std::vector<nanoseconds> last_end_;                       ///< when an end was last asked for
  std::vector<std::uint32_t> losses_;                       ///< by actor
  std::vector<nanoseconds> last_loss_;                      ///< the same
  std::vector<bool> slept_;                                 ///< sleep was asked for in this process
  std::vector<bool> unstorable_;                            ///< a turn of it may not have been stored
  std::set<std::string> gone_;
  std::vector<std::string> present_;
  bool makes_connections_ = false;                          ///< actors of the program do
  std::map<std::uint64_t, std::string> line_to_;            ///< the actor at the other end of a connection
  struct hearing {
    std::uint64_t last = 0;
    nanoseconds begun{0};
    bool early = false;  ///< the last was sent before that
  };
  std::map<std::uint64_t, hearing> last_heard_;
  struct kills {
    std::uint32_t times = 0, last = 0;  ///< the last: when it had begun so many times
  };
  std::map<effect_id, kills> kills_;
  std::uint64_t listeners_ = 0;
  std::uint32_t process_ = 0;
  std::int64_t going_ = 0;
  bool stopped_ = false;
  bool dying_ = false, ending_ = false, closing_ = false;
};

[[nodiscard]] std::string name_of(std::uint32_t actor);

}  // namespace random_programs
