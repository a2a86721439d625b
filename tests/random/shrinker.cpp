// SPDX-License-Identifier: Apache-2.0
#include "shrinker.hpp"

#include <utility>

namespace random_programs {
namespace {

class shrinking {
 public:
  shrinking(program p, const std::function<bool(const program&)>& fails, std::size_t tries_max)
      : best_{std::move(p)}, fails_{fails}, tries_left_{tries_max} {}

  program run() {
    for (bool smaller = true; smaller && tries_left_ > 0;) {
      smaller = false;
      smaller |= shorten([](program& p) -> auto& { return p.faults; });
      smaller |= shorten([](program& p) -> auto& { return p.hooks; });
      for (std::size_t i = 0; i < best_.hosts.size(); ++i) {
        smaller |= shorten_script([i](program& p) -> script& { return p.hosts[i]; });
      }
      for (std::size_t i = 0; i < best_.hooks.size(); ++i) {
        smaller |= shorten_script([i](program& p) -> script& { return p.hooks[i].body; });
      }
      smaller |= shorten_script([](program& p) -> script& { return p.driver; });
    }
    drop_idle_hosts();
    return best_;
  }

 private:
  bool accept(program next) {
    if (tries_left_ == 0) return false;
    --tries_left_;
    if (!fails_(next)) return false;
    best_ = std::move(next);
    return true;
  }

  // Leaves out halves, quarters, ... and single elements of a list: ddmin (Zeller and Hildebrandt, 2002).
  template <class List>
  bool shorten(List list) {
    bool smaller = false;
    for (std::size_t size = list(best_).size(); size > 0; size /= 2) {
      for (std::size_t at = 0; at < list(best_).size();) {
        program next = best_;
        auto& all = list(next);
        const auto last = std::min(at + size, all.size());
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(last));
        if (accept(std::move(next))) {
          smaller = true;
        } else {
          at += size;
        }
      }
    }
    return smaller;
  }

  bool shorten_script(const std::function<script&(program&)>& at) {
    bool smaller = shorten(at);
    for (std::size_t i = 0; i < at(best_).size(); ++i) {
      smaller |= simplify([&at, i](program& p) -> step& { return at(p)[i]; });
      smaller |= shorten_script([&at, i](program& p) -> script& { return at(p)[i].body; });
    }
    return smaller;
  }

  bool simplify(const std::function<step&(program&)>& at) {
    bool smaller = drop_words(at);
    const step now = at(best_);
    if (now.after != 0) {
      program next = best_;
      at(next).after = 0;
      smaller |= accept(std::move(next));
    }
    if (now.us > 0 && now.verb != "advance" && now.verb != "grow") {
      program next = best_;
      at(next).us = -1;
      smaller |= accept(std::move(next));
    }
    return smaller;
  }

  bool drop_words(const std::function<step&(program&)>& at) {
    bool smaller = false;
    for (std::size_t begin = 0; begin < at(best_).how.size();) {
      program next = best_;
      std::string& how = at(next).how;
      const auto end = how.find(' ', begin);
      if (end != std::string::npos) {
        how.erase(begin, end - begin + 1);
      } else {
        how.erase(begin == 0 ? 0 : begin - 1);
      }
      if (accept(std::move(next))) {
        smaller = true;
        continue;
      }
      if (end == std::string::npos) break;
      begin = end + 1;
    }
    return smaller;
  }

  void drop_idle_hosts() {
    for (std::size_t i = best_.hosts.size(); i-- > 0;) {
      if (!best_.hosts[i].empty()) continue;
      program next = best_;
      next.hosts.erase(next.hosts.begin() + static_cast<std::ptrdiff_t>(i));
      static_cast<void>(accept(std::move(next)));
    }
  }

  program best_;
  const std::function<bool(const program&)>& fails_;
  std::size_t tries_left_;
};

}  // namespace

program shrink(program p, const std::function<bool(const program&)>& fails, std::size_t tries_max) {
  return shrinking{std::move(p), fails, tries_max}.run();
}

}  // namespace random_programs
