// SPDX-License-Identifier: Apache-2.0
// Map and reduce: one action fans work out to many actors, awaits them together and folds their answers. The calls of a
// `when_all` run in parallel on the workers. Use it for work that can be cut into parts that do not know each other; for
// parts of a few nanoseconds each, a loop is faster than any fan-out.

#include <troupe/troupe.hpp>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <sstream>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;

// Proof of overlap: nobody gets past `meet` alone. Real actions do not block; this one waits in order to fail the
// example where its two mappers do not run at the same time.
class rendezvous {
 public:
  bool meet() {
    std::unique_lock lock{mutex_};
    if (++here_ == 2) everybody_.notify_all();
    return everybody_.wait_for(lock, 10s, [this] { return here_ >= 2; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable everybody_;
  int here_ = 0;
};
rendezvous two_mappers;

// [mapper]
using word_counts = std::map<std::string, std::int64_t>;

struct mapper {
  word_counts map(std::string text) {
    check(two_mappers.meet());
    word_counts counts;
    std::istringstream words{text};
    for (std::string word; words >> word;) ++counts[word];
    return counts;
  }

  static constexpr troupe::options options{.durability = troupe::durability::ephemeral};  // it keeps nothing
  using actor = troupe::actor<mapper, &mapper::map>;
};
// [/mapper]

// [job]
struct word_count_job {
  word_counts total;

  troupe::task<word_counts> count(troupe::context<word_count_job>& c, std::vector<std::string> texts) {
    std::vector<troupe::call<mapper, &mapper::map>> parts;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      auto worker = c.client().get_or_create<mapper>(troupe::key{c.id().str(), std::to_string(i)});
      parts.push_back(std::move(worker).call<&mapper::map>(texts[i]));
    }
    const auto counted = co_await troupe::when_all(std::move(parts));
    for (const auto& part : counted) {
      for (const auto& [word, times] : part) total[word] += times;
    }
    co_return total;
  }

  using actor = troupe::actor<word_count_job, &word_count_job::count>;
};
// [/job]

int main() {
  troupe::registry registry;
  registry.use<mapper>("mapper");
  registry.use<word_count_job>("wordCountJob");
  troupe::runtime runtime{registry, {.threads = 2}};

  auto job = runtime.client().get_or_create<word_count_job>("job-1");
  const std::vector<std::string> texts{"to be or not", "to be"};
  const auto counts = job.call<&word_count_job::count>(texts).get();
  check(counts == word_counts{{"be", 2}, {"not", 1}, {"or", 1}, {"to", 2}});
  return 0;
}
