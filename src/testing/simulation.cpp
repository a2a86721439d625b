// SPDX-License-Identifier: Apache-2.0
#include <troupe/testing/simulation.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include <troupe/testing/simulated_disk.hpp>

#include "../core/text_of.hpp"
#include "../runtime/assembly.hpp"
#include "../runtime/cell_messages.hpp"
#include "../runtime/migration.hpp"
#include "../runtime/stopping.hpp"
#include "simulated_executor.hpp"
#include "simulated_store.hpp"
#include "simulated_world.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {
namespace {

/// A hold on an actor that ends with a piece of work, as another thread's turn would.
struct passing_hold final : work {
  explicit passing_hold(troupe::detail::cell& c) noexcept : work{&passing_hold::end}, held{c} {}
  static void end(work& w) noexcept {
    auto* const self = static_cast<passing_hold*>(&w);
    auto& c = self->held;
    delete self;
    c.unlock();
    c.release();
  }
  troupe::detail::cell& held;
};

/// Numbers for the runtime: ids.
class id_source final : public random_source {
 public:
  explicit id_source(seeded_random& from) noexcept : from_{from} {}
  [[nodiscard]] std::uint64_t next() noexcept override { return from_.next(); }

 private:
  seeded_random& from_;
};

}  // namespace

struct simulation::world {
  world(simulation& o, const registry& r, simulation_options options_given);

  // One process, from its start to its end.
  struct life {
    std::shared_ptr<detail::simulated_executor> exec;
    detail::simulated_store* store = nullptr;
    std::optional<troupe::runtime> runtime;
  };

  void start();
  void die(bool power_cut);
  void end_life();
  [[nodiscard]] bool proceed(time_point until);
  void drive(const std::function<bool()>& done);
  void require_outside(const char* what) const;
  [[nodiscard]] detail::simulated_executor& exec() const;
  [[nodiscard]] troupe::detail::runtime_assembly& core();
  [[nodiscard]] std::string place() const;
  void hold_an_actor();
  [[nodiscard]] runtime_options options_of_life(life& l);
  [[nodiscard]] std::unique_ptr<store> open_store(life& l);

  simulation& owner;
  registry served;
  simulation_options options;
  detail::simulated_world shared;
  seeded_random for_program;
  seeded_random for_ids;
  std::shared_ptr<id_source> ids = std::make_shared<id_source>(for_ids);
  std::vector<std::string> errors;
  std::uint64_t earlier_steps = 0;
  std::uint32_t crashes = 0;
  bool dying = false;
  std::unique_ptr<life> present;
};

simulation::world::world(simulation& o, const registry& r, simulation_options given)
    : owner{o},
      served{r},
      options{std::move(given)},
      shared{options.seed},
      for_program{shared.random.fork()},
      for_ids{shared.random.fork()} {
  shared.faults = options.faults;
  shared.log.tell = options.trace;
  if (!shared.log.tell && std::getenv("TROUPE_TRACE") != nullptr) {
    shared.log.tell = [this](std::string_view line) {
      std::fputs(fmt::format("{}: {}\n", place(), line).c_str(), stderr);
    };
  }
}

// --- the process ----------------------------------------------------------------------------------------------------

runtime_options simulation::world::options_of_life(life& l) {
  runtime_options o = options.runtime;
  o.executor = l.exec;
  o.blocking_threads = 0;  // in order, on the one thread
  o.random = ids;
  o.store = [this, &l] { return open_store(l); };
  o.on_error = [this, tell = options.runtime.on_error](const std::exception_ptr& failure, std::string_view where) {
    if (dying) return;
    errors.push_back(fmt::format("{}: {}", where, troupe::detail::text_of(failure)));
    if (shared.log.tell) shared.log.tell(errors.back());
    if (tell) tell(failure, where);
  };
  o.logger = [this, tell = options.runtime.logger](log_level level, std::string_view line) {
    if (level == log_level::error) errors.emplace_back(line);
    if (shared.log.tell) shared.log.tell(line);
    if (tell) tell(level, line);
  };
  return o;
}

std::unique_ptr<store> simulation::world::open_store(life& l) {
  auto inner = options.runtime.store();
  const auto cut = options.cut.value_or(inner->traits().cut);
  auto made = std::make_unique<detail::simulated_store>(std::move(inner), shared, *l.exec, cut);
  l.store = made.get();
  if (options.disk) {
    made->before_write = [this] {
      constexpr std::uint64_t changes_max = 12;  // a commit makes about as many
      if (!shared.happens(shared.faults.crash_in_write, shared.times.crash_in_write)) return;
      options.disk->halt_after(shared.random.below(changes_max));
    };
    made->died_in_write = [this] { return options.disk->halted(); };
  }
  return made;
}

void simulation::world::start() {
  shared.log.note("a process starts, after ns", static_cast<std::uint64_t>(owner.elapsed().count()));
  auto next = std::make_unique<life>();
  next->exec = std::make_shared<detail::simulated_executor>(shared);
  next->exec->hold_an_actor = [this] { hold_an_actor(); };
  next->runtime.emplace(served, options_of_life(*next));
  present = std::move(next);
  shared.calm = false;
  if (options.on_start) options.on_start(owner);
}

void simulation::world::die(bool power_cut) {
  shared.calm = dying = true;
  shared.crash_wanted = shared.power_cut_wanted = false;
  ++crashes;
  shared.log.note(power_cut ? "a power cut, after steps" : "a crash, after steps", owner.steps());
  present->store->sever();
  if (options.disk) power_cut ? options.disk->power_cut() : options.disk->crash();
  const auto how = fmt::format("a simulated {} ({})", power_cut ? "power cut" : "crash", place());
  const bool ended = test_door::kill(core(), how);
  if (!ended) {
    throw error(errc::simulation_endless,
                "code of the program that died goes on for ever, or waits for what is not troupe's; let loops end when "
                "a call fails with runtime.stopped or actor.aborted (" + place() + ")");
  }
  end_life();
  dying = false;
  shared.clock->advance(shared.random.up_to(shared.faults.down_max));
  start();
}

// All that the process has posted runs before its runtime goes.
void simulation::world::end_life() {
  while (present->exec->step()) {
  }
  const bool nothing_left = present->exec->empty();
  earlier_steps += present->exec->steps();
  present.reset();
  if (!nothing_left) throw error(errc::simulation_left_over, "a timer is still armed (" + place() + ")");
}

void simulation::world::hold_an_actor() {
  if (!present) return;
  auto* const c = test_door::any_cell(core().cells(), shared.random.next());
  if (c == nullptr) return;
  if (c->try_lock()) {
    present->exec->post(*new passing_hold{*c});
  } else {
    c->release();
  }
}

// --- running --------------------------------------------------------------------------------------------------------

detail::simulated_executor& simulation::world::exec() const {
  if (!present) throw error(errc::runtime_stopped, "the simulation has ended, or its program could not start");
  return *present->exec;
}

troupe::detail::runtime_assembly& simulation::world::core() { return test_door::core_of(*present->runtime); }

std::string simulation::world::place() const {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(owner.elapsed());
  return fmt::format("seed {}, step {}, {}.{:03} s", options.seed, owner.steps(), ms.count() / 1000, ms.count() % 1000);
}

void simulation::world::require_outside(const char* what) const {
  if (!exec().on_worker()) return;
  throw error(errc::invalid_operation, fmt::format("simulation::{} was called from within the program", what));
}

bool simulation::world::proceed(time_point until) {
  auto& running = exec();
  if (!running.step() && !running.pass_time(until)) return false;
  const auto& f = shared.faults;
  if (shared.happens(f.crash, shared.times.crash)) shared.crash_wanted = true;
  if (shared.happens(f.power_cut, shared.times.power_cut)) shared.power_cut_wanted = true;
  if (options.disk && options.disk->halted()) shared.crash_wanted = true;
  if (shared.crash_wanted || shared.power_cut_wanted) die(shared.power_cut_wanted);
  return true;
}

void simulation::world::drive(const std::function<bool()>& done) {
  require_outside("run");
  const auto now = shared.clock->now();
  const auto until = now + std::min(options.time_max, time_point::max() - now - std::chrono::nanoseconds{1});
  const auto steps_max = owner.steps() + options.steps_max;
  while (!done()) {
    if (!proceed(until)) {
      throw error(exec().exhausted() ? errc::simulation_stuck : errc::simulation_endless, place());
    }
    if (owner.steps() > steps_max) throw error(errc::simulation_endless, place());
  }
}

simulation::simulation(const registry& served, simulation_options options)
    : world_{std::make_unique<world>(*this, served, std::move(options))} {
  world_->start();
}

simulation::~simulation() {
  if (!world_->present) return;
  world_->shared.calm = world_->dying = true;
  world_->present->store->sever();
  if (world_->options.disk) world_->options.disk->crash();
  test_door::kill(world_->core(), "the end of the simulation");
  while (world_->present->exec->step()) {
  }
}

const troupe::client& simulation::client() const {
  static_cast<void>(world_->exec());
  return world_->present->runtime->client();
}

void simulation::spawn(task<> t) {
  static_cast<void>(world_->exec());
  world_->present->runtime->spawn(std::move(t));
}

void simulation::drive(const bool& done) {
  world_->drive([&done] { return done; });
}

void simulation::settle() {
  world_->require_outside("settle");
  const auto steps_max = steps() + world_->options.steps_max;
  while (world_->proceed(time_point::min())) {
    if (steps() > steps_max) throw error(errc::simulation_endless, world_->place());
  }
}

void simulation::advance(std::chrono::nanoseconds by) {
  world_->require_outside("advance");
  constexpr std::uint64_t last_steps_max = 10'000;
  auto& clock = *world_->shared.clock;
  const auto until = clock.now() + by;
  std::uint64_t last_steps = 0;
  while (last_steps < last_steps_max && world_->proceed(until)) {
    if (clock.now() > until) ++last_steps;
  }
  if (clock.now() < until) clock.advance(until - clock.now());
}

bool simulation::advance_until(const std::function<bool()>& holds, std::chrono::nanoseconds at_most) {
  world_->require_outside("advance_until");
  auto& clock = *world_->shared.clock;
  const auto until = clock.now() + at_most;
  while (!holds()) {
    if (clock.now() >= until) return false;
    if (!world_->proceed(until)) clock.advance(until - clock.now());
  }
  return true;
}

bool simulation::step() {
  world_->require_outside("step");
  return world_->proceed(time_point::max() - std::chrono::nanoseconds{1});
}

void simulation::crash() {
  if (world_->exec().on_worker()) {
    world_->shared.crash_wanted = true;
  } else {
    world_->die(false);
  }
}

void simulation::power_cut() {
  if (world_->exec().on_worker()) {
    world_->shared.power_cut_wanted = true;
  } else {
    world_->die(true);
  }
}

void simulation::crash_before_next_commit() noexcept { world_->shared.crash_before_commit = true; }
void simulation::crash_after_next_commit() noexcept { world_->shared.crash_after_commit = true; }

void simulation::restart() {
  finish();
  world_->start();
}

void simulation::finish() {
  world_->require_outside("finish");
  world_->shared.calm = true;
  world_->shared.crash_before_commit = world_->shared.crash_after_commit = false;
  world_->shared.log.note("the process ends, after steps", steps());
  const bool ended = world_->core().shutdown();
  world_->end_life();
  if (!ended) {
    throw error(errc::simulation_left_over,
                "an actor or a spawned task did not end when its process did; let loops end when a call fails with "
                "runtime.stopped (" + world_->place() + ")");
  }
}

testing::faults& simulation::faults() noexcept { return world_->shared.faults; }

void simulation::heal() noexcept {
  world_->shared.faults = testing::faults{};
  world_->shared.times = {};
  world_->shared.commits_fail_until = std::chrono::nanoseconds{0};
}

// --- looking in -----------------------------------------------------------------------------------------------------

std::optional<actor_record> simulation::load(const troupe::detail::address& which, bool with_messages,
                                             const std::function<void(bytes_view)>& decode) {
  static_cast<void>(world_->exec());
  load_request request;
  if (which.how == troupe::detail::address::intent::by_id) request.id = which.id;
  request.name = which.type->name;
  request.key = which.key.canonical();
  request.with_messages = with_messages;
  request.done = [](load_request&) noexcept {};
  world_->present->store->inner().load(request);
  if (request.failure) std::rethrow_exception(request.failure);
  auto& found = request.found;
  if (decode && found && found->initialised) {
    const troupe::detail::migrated_state state{*which.type, *found};
    state.read(decode);
  }
  return std::move(found);
}

std::size_t simulation::stored_on_their_way() {
  static_cast<void>(world_->exec());
  std::size_t count = 0;
  outgoing_request request;
  request.done = [](outgoing_request&) noexcept {};
  do {
    if (!request.found.empty()) request.after = request.found.back().id;
    world_->present->store->inner().list_outgoing(request);
    if (request.failure) std::rethrow_exception(request.failure);
    count += request.found.size();
  } while (request.found.size() == request.limit);
  return count;
}

void simulation::put_down(const troupe::detail::handle_core& which) {
  const troupe::detail::handle_core held{which};
  auto* const c = held.find();
  if (c == nullptr) return;
  using phase = troupe::detail::lifecycle::phase;
  std::optional<std::uint64_t> ordered;  // in which of its lives
  world_->drive([&] {
    if (c->current_phase() == phase::asleep) return true;
    if (c->current_phase() != phase::awake) return false;
    const std::uint64_t life = c->live()->life();
    if (ordered) return *ordered != life;  // a call that waited has woken it again, in the same step
    ordered = life;
    troupe::detail::send_command(*c, &troupe::detail::sleep_now);
    return false;
  });
}

bool simulation::is_up(const troupe::detail::handle_core& which) {
  const auto* const c = which.find();
  return c != nullptr && c->current_phase() != troupe::detail::lifecycle::phase::asleep;
}

const std::vector<std::string>& simulation::errors() const noexcept { return world_->errors; }
std::uint64_t simulation::seed() const noexcept { return world_->options.seed; }
seeded_random& simulation::random() noexcept { return world_->for_program; }
std::chrono::nanoseconds simulation::elapsed() const noexcept {
  return world_->shared.clock->now().time_since_epoch();
}
std::uint64_t simulation::steps() const noexcept {
  return world_->earlier_steps + (world_->present ? world_->present->exec->steps() : 0);
}
std::uint32_t simulation::crashes() const noexcept { return world_->crashes; }
std::uint64_t simulation::trace_hash() const noexcept { return world_->shared.log.hash(); }
void simulation::note(std::string_view what, std::uint64_t number) { world_->shared.log.note(what, number); }

}  // namespace testing
}  // namespace v0
}  // namespace troupe
