// SPDX-License-Identifier: Apache-2.0
#include "actor_committer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/member_work.hpp>

#include "../core/empty.hpp"
#include "../core/text_of.hpp"
#include "cell_extension.hpp"
#include "core.hpp"
#include "outbox.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

// --- the commits of one actor ---------------------------------------------------------------------------------------

/// The commits of one actor, one after the other; or, without an actor, those that forget messages.
///
///     stage     until
///     idle      there is something to commit
///     closing   the I/O lane takes what there is
///     asked     the holder has encoded the state
///     writing   the I/O lane asks the store
///     at_store  the store answers
///     pausing   the back-off is over
///     losing    the I/O lane opens the gates as lost; the actor is told already
///     lost      the actor has ended
class actor_committer::line final : public commit_request {
 public:
  line(actor_committer& all, shard& s, cell* a) noexcept
      : all_{all}, shard_{s}, actor_{a}, id_{a != nullptr ? a->known_id() : actor_id{}}, retry_after_{all.retry_min_} {
    done = [](commit_request& r) noexcept { static_cast<line&>(r).completed(); };
  }

  // --- with the shard's lock ---

  /// False if nothing is committed any more.
  [[nodiscard]] bool is_lost() const noexcept { return stage_ == stage::lost; }
  /// Whether the actor has to end.
  [[nodiscard]] bool loses() const noexcept { return stage_ == stage::losing || is_lost(); }
  /// True if the caller is to call `begin`, without the lock.
  [[nodiscard]] bool put(image& m, epoch_number e) noexcept {
    TROUPE_ASSERT(pending_ == nullptr, "one image of an actor fills, and one is at the store");
    // The actor may have left memory and come back since its last commit. None concerns its former cell.
    if (actor_ != m.owner) actor_ = m.owner;
    pending_ = &m;
    pending_epoch_ = e;
    return awake();
  }
  [[nodiscard]] bool put(std::uint64_t message) {
    if (forgotten_.empty()) {
      pending_epoch_ = all_.next_epoch(shard_);
      shard_.gates.try_emplace(pending_epoch_);
    }
    forgotten_.push_back(message);
    return awake();
  }
  /// The newest epoch that is not durable; 0: none.
  [[nodiscard]] epoch_number newest() const noexcept { return std::max(pending_epoch_, closing_epoch_); }
  [[nodiscard]] std::size_t actors() const noexcept { return actor_ != nullptr && stage_ != stage::lost ? 1 : 0; }
  /// Nothing is to be written any more, and the back-off may be long.
  void end_pause() noexcept {
    if (stage_ == stage::pausing && all_.executor_.cancel(retry_)) begin();
  }

  // --- without it ---

  void begin() noexcept { all_.executor_.post_blocking(job_); }
  /// By the holder: the state is encoded.
  void image_came() noexcept {
    build();
    go(stage::asked, stage::writing);
    begin();
  }

 private:
  enum class stage : std::uint8_t { idle, closing, asked, writing, at_store, pausing, losing, lost };

  void go([[maybe_unused]] stage from, stage to) noexcept {
    const std::lock_guard lock{shard_.mutex};
    TROUPE_ASSERT(stage_ == from, "the commits of an actor go from stage to stage as their table says");
    stage_ = to;
  }
  [[nodiscard]] bool awake() noexcept {
    if (stage_ != stage::idle) return false;
    stage_ = stage::closing;
    ++all_.running_;
    return true;
  }

  void step() noexcept;
  void close() noexcept;
  void build();
  void write() noexcept;
  void completed() noexcept;
  void succeeded() noexcept;
  void failed() noexcept;
  void lose() noexcept;
  void bury() noexcept;
  [[nodiscard]] std::string describe_loss() const;
  void end_lost(bool stays) noexcept;
  void end_failures() noexcept;
  void ring() noexcept { begin(); }

  actor_committer& all_;
  shard& shard_;
  cell* actor_;  ///< null for the one of no actor
  const actor_id id_;
  stage stage_ = stage::idle;
  image* pending_ = nullptr;                ///< it fills
  std::vector<std::uint64_t> forgotten_;    ///< the same, of no actor
  epoch_number pending_epoch_ = 0;          ///< of either; 0: there is none
  image* closing_ = nullptr;                ///< of the commit that is under way
  epoch_number closing_epoch_ = 0;          ///< the same; 0: none is
  std::uint32_t failures_ = 0;              ///< in a row
  std::chrono::nanoseconds retry_after_;
  time_point begun_at_{};
  member_work<&line::step> job_{*this};
  member_timer<&line::ring> retry_{*this};
};

// On the I/O lane.
void actor_committer::line::step() noexcept {
  if (all_.dead_) return bury();
  stage now = stage::idle;
  {
    const std::lock_guard lock{shard_.mutex};
    now = stage_;
    if (stage_ == stage::pausing) stage_ = stage::writing;
  }
  if (now == stage::losing) return end_lost(true);
  now == stage::closing ? close() : write();
}

void actor_committer::line::close() noexcept {
  std::unique_ptr<line> self;
  {
    const std::lock_guard lock{shard_.mutex};
    if (pending_epoch_ == 0) {
      stage_ = stage::idle;
      if (actor_ != nullptr) {
        const auto here = shard_.lines.find(id_);
        self = std::move(here->second);
        shard_.lines.erase(here);
      }
    } else {
      closing_ = std::exchange(pending_, nullptr);
      undeliverable = std::exchange(forgotten_, {});
      epoch = closing_epoch_ = std::exchange(pending_epoch_, 0);
      stage_ = closing_ != nullptr ? stage::asked : stage::writing;
    }
  }
  if (closing_epoch_ == 0) return all_.ended();
  if (closing_ == nullptr) return write();
  closing_->stage.begin_look();
  if (!closing_->encoded) {
    cell& c = *actor_;
    closing_->stage.ask();
    return c.kind().handlers.image_awaited(c);
  }
  closing_->stage.take();
  build();
  go(stage::asked, stage::writing);
  write();
}

void actor_committer::line::build() { add_to(*this, *closing_, closing_epoch_, row_changes::company::alone); }

void actor_committer::line::write() noexcept {
  go(stage::writing, stage::at_store);
  if (all_.core_.observed_by() != nullptr) begun_at_ = all_.executor_.now();
  failure = nullptr;
  result = outcome::committed;
  if (writes.empty() && undeliverable.empty()) return completed();  // it came and went within the epoch
  all_.core_.stored().commit(*this);
}

void actor_committer::line::completed() noexcept {
  all_.tell_of(*this, {.epoch = closing_epoch_,
                       .actors = actors(),
                       .bytes = closing_ != nullptr ? closing_->counted : 0,
                       .begun_at = begun_at_});
  // A message may be forgotten twice.
  const bool may_try_again = result == outcome::failed || (result == outcome::unknown && actor_ == nullptr);
  if (result == outcome::committed) return succeeded();
  if (all_.dead_) return bury();
  may_try_again ? failed() : lose();
}

void actor_committer::line::succeeded() noexcept {
  end_failures();
  all_.commits_.fetch_add(1, std::memory_order_relaxed);
  if (closing_ != nullptr) {
    all_.backlog_bytes_.fetch_sub(closing_->counted, std::memory_order_relaxed);
    if (closing_->rows) {
      for (const auto& p : closing_->rows->arrived()) all_.forget(p->id);
    }
    let_go(*closing_);
    closing_ = nullptr;
  } else {
    all_.receipts_.forgotten(undeliverable);
  }
  empty(writes);
  empty(undeliverable);
  all_.update_refusing();
  all_.open_durable(closing_epoch_);
  {
    const std::lock_guard lock{shard_.mutex};
    TROUPE_ASSERT(stage_ == stage::at_store, "a commit that succeeds was at the store");
    closing_epoch_ = 0;
    stage_ = stage::closing;
  }
  begin();
}

void actor_committer::line::end_failures() noexcept {
  all_.failures_.fetch_sub(std::exchange(failures_, 0), std::memory_order_relaxed);
  retry_after_ = all_.retry_min_;
}

void actor_committer::line::failed() noexcept {
  all_.core_.report(failure, actor_ != nullptr ? "commit of " + actor_->name() : "commit");
  all_.note_error(text_of(failure));
  ++failures_;
  all_.failures_.fetch_add(1, std::memory_order_relaxed);
  all_.update_refusing();
  const auto next = std::min(retry_after_ * 2, all_.retry_max_);
  const auto at = all_.executor_.now() + std::exchange(retry_after_, next);
  {
    const std::lock_guard lock{shard_.mutex};  // which `abandon` takes, too
    if (!all_.dead_) {
      stage_ = stage::pausing;
      return all_.executor_.arm(retry_, at);
    }
  }
  bury();
}

std::string actor_committer::line::describe_loss() const {
  const std::string named = actor_ != nullptr ? "the changes of " + actor_->name() : "messages that have arrived";
  switch (result) {
    case outcome::refused: return fmt::format("commit: the store will never take {}", named);
    case outcome::not_owner: return fmt::format("commit: the store has another owner for {}", named);
    default: return fmt::format("commit: it is not known whether the store has {}", named);
  }
}

// The store did not take the changes, or cannot tell. The actor has to end: what it has in memory may be nowhere.
void actor_committer::line::lose() noexcept {
  const std::string what = describe_loss();
  all_.core_.report(failure, what);
  if (actor_ == nullptr) {
    all_.abandon(fmt::format("{}: {}", what, text_of(failure)));
    return bury();
  }
  all_.note_loss(fmt::format("{}: {}", what, text_of(failure)));
  if (result == outcome::unknown && closing_->rows) all_.core_.outbox().look_for(closing_->rows->sent_ids());
  const counted_ptr<cell> here{*actor_};
  // The actor cannot end before the gates open. A holder that hears of the loss finds that there is one.
  go(stage::at_store, stage::losing);
  here->known_extension()->signals.raise(pending_signals::lost);
  begin();
}

// Nothing is written any more. No holder is told.
void actor_committer::line::bury() noexcept { end_lost(false); }

// Once the gates open the actor may end, and this with it.
void actor_committer::line::end_lost(bool stays) noexcept {
  auto& all = all_;
  end_failures();
  all.update_refusing();
  std::unique_ptr<line> self;
  std::array<gate_node*, 2> waiting{};
  {
    const std::lock_guard lock{shard_.mutex};
    std::size_t at = 0;
    for (const epoch_number e : {closing_epoch_, pending_epoch_}) {
      if (e == 0) continue;
      gate& lost = shard_.gates[e];
      lost.lost = true;
      waiting[at++] = std::exchange(lost.first, nullptr);
    }
    pending_ = closing_ = nullptr;
    closing_epoch_ = pending_epoch_ = 0;
    stage_ = stage::lost;
    if (!stays && actor_ != nullptr) {
      const auto here = shard_.lines.find(id_);
      self = std::move(here->second);
      shard_.lines.erase(here);
    }
  }
  for (gate_node* const list : waiting) all.open(list, false);
  all.ended();
}

// --- epochs ---------------------------------------------------------------------------------------------------------

actor_committer::actor_committer(runtime_core& core, executor& exec, const runtime_options& options)
    : commit_ledger{core, exec, options, nullptr}, forgetting_{std::make_unique<line>(*this, shards_[0], nullptr)} {
  seen_.apart = this;
}

actor_committer::~actor_committer() = default;

actor_committer::shard& actor_committer::shard_of(const actor_id& id) const noexcept {
  return shards_[std::hash<actor_id>{}(id) & (shards - 1)];
}

// The number tells the shard.
epoch_number actor_committer::next_epoch(const shard& s) noexcept {
  open_epochs_.fetch_add(1, std::memory_order_relaxed);
  const epoch_number count = last_.fetch_add(1, std::memory_order_relaxed) + 1;
  return count << shard_bits | static_cast<std::size_t>(&s - shards_.data());
}

epoch_number actor_committer::add_image(cell& of, image_maker prepare) {
  shard& s = shard_of(of.known_id());
  line* kicked = nullptr;
  epoch_number e = 0;
  {
    const std::lock_guard lock{s.mutex};
    e = next_epoch(s);
    gate& mine = s.gates[e];
    image& m = prepare(e);
    // What is at the store already ends first, since the store looks at images of the actor.
    if (dead_ && !s.lines.contains(of.known_id())) {
      mine.lost = true;
      return e;
    }
    auto& l = s.lines[of.known_id()];
    if (!l) l = std::make_unique<line>(*this, s, &of);
    if (l->is_lost()) {
      mine.lost = true;
      return e;
    }
    if (l->put(m, e)) kicked = l.get();
  }
  if (kicked != nullptr) kicked->begin();
  return e;
}

bool actor_committer::is_durable_apart(epoch_number e) const noexcept {
  if (open_epochs_.load(std::memory_order_acquire) == 0) return true;
  const shard& s = shard_of(e);
  const std::lock_guard lock{s.mutex};
  return !s.gates.contains(e);
}

void actor_committer::when_durable(epoch_number e, gate_node& n) noexcept {
  bool durable = true;
  {
    shard& s = shard_of(e);
    const std::lock_guard lock{s.mutex};
    const auto here = s.gates.find(e);
    if (here != s.gates.end()) {
      if (!here->second.lost) {
        n.next_gate = here->second.first;
        here->second.first = &n;
        return;
      }
      durable = false;
    }
  }
  n.opened(n, durable);
}

// The epoch counts as durable when all that waited has gone, so that nothing overtakes it.
void actor_committer::open_durable(epoch_number e) noexcept {
  shard& s = shard_of(e);
  for (;;) {
    gate_node* list = nullptr;
    {
      const std::lock_guard lock{s.mutex};
      const auto here = s.gates.find(e);
      list = std::exchange(here->second.first, nullptr);
      if (list == nullptr) {
        s.gates.erase(here);
        open_epochs_.fetch_sub(1, std::memory_order_release);
        return;
      }
    }
    open(list, true);
  }
}

void actor_committer::arrived(image& m) noexcept {
  shard& s = shard_of(m.id);
  line* l = nullptr;
  {
    const std::lock_guard lock{s.mutex};
    const auto here = s.lines.find(m.id);
    TROUPE_ASSERT(here != s.lines.end(), "an actor that was asked for its state has a commit under way");
    l = here->second.get();
  }
  l->image_came();
}

void actor_committer::forget(std::uint64_t message) {
  bool kicks = false;
  {
    const std::lock_guard lock{shards_[0].mutex};
    if (dead_) return;
    kicks = forgetting_->put(message);
  }
  if (kicks) forgetting_->begin();
}

epoch_number actor_committer::newest_forgotten() const noexcept {
  const std::lock_guard lock{shards_[0].mutex};
  return forgetting_->newest();
}

// --- the state of affairs -------------------------------------------------------------------------------------------

void actor_committer::note_loss(std::string_view text) noexcept {
  const std::lock_guard lock{losses_mutex_};
  ++losses_;
  last_loss_ = text;
}

void actor_committer::ended() noexcept {
  --running_;
  core_.notify();
}

void actor_committer::report(runtime_health& health) const {
  commit_ledger::report(health);
  for (const shard& s : shards_) {
    const std::lock_guard lock{s.mutex};
    for (const auto& [of, l] : s.lines) health.backlog_actors += l->actors();
  }
  const std::lock_guard lock{losses_mutex_};
  health.losses = losses_;
  health.last_loss = last_loss_;
}

bool actor_committer::has_lost(const cell& c) const noexcept {
  const shard& s = shard_of(c.known_id());
  const std::lock_guard lock{s.mutex};
  const auto here = s.lines.find(c.known_id());
  return here != s.lines.end() && here->second->loses();
}

void actor_committer::has_ended(cell& lost) noexcept {
  shard& s = shard_of(lost.known_id());
  const std::lock_guard lock{s.mutex};
  const auto here = s.lines.find(lost.known_id());
  TROUPE_ASSERT(here != s.lines.end() && here->second->is_lost(), "an actor that has lost changes ends once");
  s.lines.erase(here);
}

// A commit that is at the store ends first, since the store looks at images of actors.
void actor_committer::abandon(std::string_view why) noexcept {
  if (!dead_.exchange(true)) note_error(why);
  refuse_changes();
  for (shard& s : shards_) {
    const std::lock_guard lock{s.mutex};
    for (const auto& [of, l] : s.lines) l->end_pause();
    if (&s == &shards_[0]) forgetting_->end_pause();
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
