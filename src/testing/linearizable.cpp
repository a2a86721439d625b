// SPDX-License-Identifier: Apache-2.0
#include <troupe/testing/linearizable.hpp>

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "linearizable_search.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {

std::ostream& operator<<(std::ostream& out, const linearizability& found) {
  return out << (found ? "linearizable" : found.explanation());
}

namespace detail {
namespace {

constexpr std::size_t placed_shown = 10;  // the last ones of the order
constexpr std::size_t open_shown = 20;
constexpr std::size_t text_shown = 160;

std::string shortened(std::string text) {
  if (text.size() <= text_shown) return text;
  auto end = text_shown;
  while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not within a character
  return text.substr(0, end) + "...";
}

std::string place(const history_partition& partition) {
  const auto count = partition.operations().size();
  const auto operations = fmt::format("{} operation{}", count, count == 1 ? "" : "s");
  if (partition.name().empty()) return fmt::format("in the history ({})", operations);
  return fmt::format("in partition {} ({})", shortened(partition.name()), operations);
}

/// Draws when operations were under way. Only what happens to those that are shown takes up room.
class timeline {
 public:
  timeline(const history_partition& partition, const std::vector<std::size_t>& shown) : partition_{partition} {
    for (const auto operation : shown) {
      const auto& o = partition.operations()[operation];
      times_.push_back(o.begin);
      if (has_end(operation)) times_.push_back(o.end);
      else for_ever_ = 1;
      id_width_ = std::max(id_width_, std::to_string(o.id).size());
    }
    std::sort(times_.begin(), times_.end());
  }

  void add_line(std::string& text, std::size_t operation, std::string_view remark) const {
    const auto& o = partition_.operations()[operation];
    const auto begin = column(o.begin);
    const auto end = has_end(operation) ? column(o.end) : times_.size();
    const auto bar = fmt::format("{:{}}[{:-<{}}{}", "", begin, "", end - begin - 1, has_end(operation) ? ']' : '>');
    text += fmt::format("    {:>{}}  {:<{}}  {}{}\n", fmt::format("#{}", o.id), id_width_ + 1, bar,
                        times_.size() + for_ever_, shortened(partition_.operation_text(operation)), remark);
  }

 private:
  [[nodiscard]] bool has_end(std::size_t operation) const {
    return partition_.operations()[operation].end != history_partition::unknown;
  }
  [[nodiscard]] std::size_t column(std::size_t time) const {
    return static_cast<std::size_t>(std::lower_bound(times_.begin(), times_.end(), time) - times_.begin());
  }

  const history_partition& partition_;
  std::vector<std::size_t> times_;
  std::size_t for_ever_ = 0;  // the column behind all times
  std::size_t id_width_ = 1;
};

// What had begun before the culprit ended and has no place in the order; the culprit first.
std::vector<std::size_t> under_way(const history_partition& partition, const dead_end& found) {
  std::vector<bool> placed(partition.operations().size());
  for (const auto operation : found.order) placed[operation] = true;
  std::vector<std::size_t> open{found.culprit};
  const auto until = partition.operations()[found.culprit].end;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    if (!placed[i] && i != found.culprit && partition.operations()[i].begin < until) open.push_back(i);
  }
  return open;
}

std::string remark(history_partition& partition, const dead_end& found, std::size_t operation) {
  if (partition.operations()[operation].end == history_partition::unknown) return ", outcome unknown";
  if (partition.step(found.state, operation)) return "";
  const auto answer = partition.answer_text(found.state, operation);
  return answer ? ", but the model gives " + shortened(*answer) : ", which the model does not allow";
}

std::string more(std::size_t count, std::string_view where) {
  return count == 0 ? std::string{} : fmt::format("    and {} {}\n", count, where);
}

std::string explain(history_partition& partition, const dead_end& found) {
  const auto open = under_way(partition, found);
  const auto placed_hidden = found.order.size() - std::min(found.order.size(), placed_shown);
  const auto open_hidden = open.size() - std::min(open.size(), open_shown);
  const std::vector<std::size_t> last(found.order.begin() + static_cast<std::ptrdiff_t>(placed_hidden),
                                      found.order.end());
  const std::vector<std::size_t> next(open.begin(), open.end() - static_cast<std::ptrdiff_t>(open_hidden));
  auto shown = last;
  shown.insert(shown.end(), next.begin(), next.end());
  const timeline lines{partition, shown};

  auto text = fmt::format("troupe: not linearizable: {} nothing explains #{}: {}\n", place(partition),
                          partition.operations()[found.culprit].id,
                          shortened(partition.operation_text(found.culprit)));
  if (found.order.empty()) {
    text += "  Nothing had ended before it.\n";
  } else {
    text += fmt::format("  This order of {} explains all that ended before it did:\n", found.order.size());
    text += more(placed_hidden, "before these");
    for (const auto operation : last) {
      const bool open_end = partition.operations()[operation].end == history_partition::unknown;
      lines.add_line(text, operation, open_end ? ", outcome unknown" : "");
    }
  }
  text += fmt::format("  The state is then {}. What was under way:\n", shortened(partition.state_text(found.state)));
  for (const auto operation : next) lines.add_line(text, operation, remark(partition, found, operation));
  text += more(open_hidden, "more");
  text.pop_back();  // the last newline
  return text;
}

std::string explain_giving_up(const history_partition& partition, std::size_t configurations) {
  const auto& operations = partition.operations();
  const auto unknown = std::count_if(operations.begin(), operations.end(),
                                     [](const auto& o) { return o.end == history_partition::unknown; });
  return fmt::format(
      "troupe: gave up: after {} configurations {}, {} of them with an unknown outcome, there is neither an order that "
      "explains them nor certainty that there is none. Record fewer at a time, partition them further, or raise "
      "linearizability_limits::configurations_max.",
      configurations, place(partition), unknown);
}

}  // namespace

linearizability judge(std::vector<std::unique_ptr<history_partition>> partitions,
                      const linearizability_limits& limits) {
  using verdict = linearizability::verdict;
  std::stable_sort(partitions.begin(), partitions.end(), [](const auto& a, const auto& b) {
    return a->operations().size() < b->operations().size();
  });
  std::size_t configurations = 0;
  std::string gave_up;
  for (auto& partition : partitions) {
    order_search search{*partition, limits.configurations_max};
    const auto outcome = search.run();
    configurations += search.configurations();
    if (outcome == order_search::outcome::none)
      return {verdict::not_linearizable, explain(*partition, search.furthest()), configurations};
    if (outcome == order_search::outcome::gave_up && gave_up.empty())
      gave_up = explain_giving_up(*partition, search.configurations());
    partition.reset();  // and the states it had
  }
  if (!gave_up.empty()) return {verdict::gave_up, std::move(gave_up), configurations};
  return {verdict::linearizable, {}, configurations};
}

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
