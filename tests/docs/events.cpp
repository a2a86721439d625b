// SPDX-License-Identifier: Apache-2.0
// The snippets of docs/events.md, each with a check.

#include <troupe/troupe.hpp>

#include <algorithm>
#include <memory>
#include <vector>

#include "../../examples/support.hpp"

// [declare]
struct headline {
  std::uint64_t number = 0;
  std::string text;
};

struct ticker {
  static constexpr troupe::event<"published", headline> published{};
  static constexpr troupe::event<"corrected", std::uint64_t, std::string> corrected{};

  std::vector<headline> headlines;

  void publish(troupe::context<ticker>& c, std::string text) {
    headlines.push_back(headline{headlines.size() + 1, std::move(text)});
    c.broadcast(published, headlines.back());
  }
  void correct(troupe::context<ticker>& c, std::uint64_t number, std::string text) {
    headlines.at(number - 1).text = text;
    c.broadcast(corrected, number, text);
  }
  std::vector<headline> after(std::uint64_t number) const {
    const auto first = std::min<std::size_t>(number, headlines.size());
    return {headlines.begin() + static_cast<std::ptrdiff_t>(first), headlines.end()};
  }

  static constexpr troupe::options options{.connection_events_max = 3};
  using actor = troupe::actor<ticker, &ticker::publish, &ticker::correct, &ticker::after, published, corrected>;
};
// [/declare]

using texts = std::vector<std::string>;

void handlers(troupe::runtime& runtime) {
  const auto news = runtime.client().get_or_create<ticker>("handlers");
  texts shown;
  // [on]
  auto reader = news.connect().get();
  auto heard = reader.on(ticker::published, [&](const headline& h) { shown.push_back(h.text); });
  auto fixed = reader.on(ticker::corrected, [&](std::uint64_t, const std::string& text) { shown.push_back(text); });
  auto first = reader.once(ticker::published, [&](const headline&) { shown.push_back("the first"); });
  // [/on]
  news.call<&ticker::publish>("A").get();
  runtime.poll();
  news.call<&ticker::publish>("B").get();
  runtime.poll();
  news.call<&ticker::correct>(1, "A!").get();
  runtime.poll();
  check(shown == texts{"A", "the first", "B", "A!"});
  // [reset]
  heard.reset();  // or its end of scope: from here on the handler is not called, and does not run any more
  // [/reset]
  news.call<&ticker::publish>("C").get();
  runtime.poll();
  check(shown.size() == 4);
}

troupe::task<> awaited(troupe::handle<ticker> news) {
  // [next]
  auto reader = co_await news.connect();
  auto coming = reader.next(ticker::published);  // listens from here on
  co_await news.call<&ticker::publish>("A");
  const headline h = co_await std::move(coming);
  // [/next]
  check(h.text == "A");

  // [stream]
  auto headlines = reader.stream(ticker::published);
  co_await news.call<&ticker::publish>("B");
  co_await news.call<&ticker::publish>("C");
  reader.close();
  texts read;
  for (;;) {
    const auto each = co_await headlines.next();
    if (!each) break;  // the connection was closed, and all is read
    read.push_back(each->text);
  }
  // [/stream]
  check(read == texts{"B", "C"});
}

// [catch_up]
/// Follows the ticker from the headline after `seen` to the one with the number `last`, whatever happens in between.
troupe::task<> follow(troupe::handle<ticker> news, std::uint64_t seen, std::uint64_t last, texts& shown) {
  while (seen < last) {
    auto reader = co_await news.connect();
    auto headlines = reader.stream(ticker::published);                // first listen ...
    const auto missed = co_await news.call<&ticker::after>(seen);     // ... then read: nothing falls between the two
    for (const headline& h : missed) shown.push_back(h.text);
    seen += missed.size();
    try {
      while (seen < last) {
        const auto h = co_await headlines.next();
        if (!h) co_return;
        if (h->number <= seen) continue;  // is in both
        shown.push_back(h->text);
        seen = h->number;
      }
    } catch (const troupe::error& e) {
      if (!e.is(troupe::errc::connection_lagging)) throw;  // else connect again, and read what was missed
    }
  }
}
// [/catch_up]

void lagging(troupe::runtime& runtime) {
  const auto news = runtime.client().get_or_create<ticker>("lagging");
  auto reader = news.connect().get();
  auto headlines = reader.stream(ticker::published);
  for (const char* text : {"A", "B", "C", "D"}) news.call<&ticker::publish>(text).get();  // and nobody reads
  runtime.poll();
  check(!reader.connected());
  texts read;
  std::string why;
  try {
    for (;;) read.push_back(runtime.run(headlines.next())->text);
  } catch (const troupe::error& e) {
    why = e.code();
  }
  check(read == texts{"A", "B", "C"} && why == "lagging");

  texts shown;
  runtime.spawn(follow(news, 0, 12, shown));
  runtime.poll();
  for (int i = 5; i <= 12; ++i) news.call<&ticker::publish>(std::to_string(i)).get();
  runtime.poll();
  check(shown == texts{"A", "B", "C", "D", "5", "6", "7", "8", "9", "10", "11", "12"});
}

int main() {
  troupe::registry registry;
  registry.use<ticker>("ticker");
  troupe::runtime runtime{registry, {.executor = std::make_shared<troupe::manual_executor>(
                                         std::make_shared<troupe::system_clock>(),
                                         troupe::manual_executor::options{.io_thread = false})}};
  handlers(runtime);
  runtime.run(awaited(runtime.client().get_or_create<ticker>("awaited")));
  lagging(runtime);
  return 0;
}
