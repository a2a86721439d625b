// SPDX-License-Identifier: Apache-2.0
// A log with fields, by spdlog: each line is a JSON object with its level, and, where an actor wrote it, the actor's name
// and key. Actors get the logger as a service; what the runtime itself logs goes to the same place.

#include <troupe/troupe.hpp>

#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "../support.hpp"

// [logger]
/// The fields of a line, beside its time and level. JSON quotes what has to be quoted.
std::string fields(const nlohmann::json& of) {
  return of.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class journal {
 public:
  explicit journal(spdlog::sink_ptr to) : logger_{"app", std::move(to)} {
    logger_.set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","line":%v})");
  }

  /// Of an actor. From any thread.
  template <class A>
  void log(const troupe::context<A>& c, spdlog::level::level_enum level, std::string_view text) {
    if (!logger_.should_log(level)) return;
    logger_.log(level, fields({{"actor", c.name()}, {"key", c.key().canonical()}, {"text", text}}));
  }
  /// Of the program and the runtime.
  void log(spdlog::level::level_enum level, std::string_view text) { logger_.log(level, fields({{"text", text}})); }

 private:
  spdlog::logger logger_;
};

spdlog::level::level_enum level_of(troupe::log_level level) {
  switch (level) {
    case troupe::log_level::debug: return spdlog::level::debug;
    case troupe::log_level::info: return spdlog::level::info;
    case troupe::log_level::warning: return spdlog::level::warn;
    case troupe::log_level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}
// [/logger]

// [actor]
struct door {
  bool open = false;

  void push(troupe::context<door>& c, std::string who) {
    if (open) c.service<journal>().log(c, spdlog::level::warn, who + " pushes an open door");
    open = true;
  }

  using actor = troupe::actor<door, &door::push, troupe::needs<journal>>;
};
// [/actor]

struct broken {
  int tries = 0;
  void use() {
    ++tries;
    throw std::runtime_error{"it is broken"};
  }
  int count() const { return tries; }
  using actor = troupe::actor<broken, &broken::use, &broken::count>;
};

std::vector<nlohmann::json> lines_of(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

int main() {
  std::ostringstream written;
  troupe::registry registry;
  registry.use<door>("door").use<broken>("broken");
  {
    // [program]
    journal log{std::make_shared<spdlog::sinks::ostream_sink_mt>(written)};
    troupe::runtime_options options;
    options.services.provide(std::ref(log));
    options.logger = [&log](troupe::log_level level, std::string_view line) { log.log(level_of(level), line); };
    troupe::runtime runtime{registry, options};
    // [/program]
    const auto front = runtime.client().get_or_create<door>(troupe::key{"house", "front"});
    front.call<&door::push>("ada").get();
    front.call<&door::push>("\"bert\"\n\xff").get();  // whatever a name has in it, a line is a line
    const auto bell = runtime.client().get_or_create<broken>("bell");
    bell.post<&broken::use>();  // no caller hears of its failure: the log does
    check(bell.call<&broken::count>().get() == 1);
  }
  const auto lines = lines_of(written.str());
  check(lines.size() == 2);
  check(lines[0].at("level") == "warning");
  check(lines[0].at("line").at("actor") == "door");
  check(lines[0].at("line").at("key") == "house/front");
  check(lines[0].at("line").at("text") == "\"bert\"\n\xef\xbf\xbd pushes an open door");
  check(lines[1].at("level") == "error");
  check(!lines[1].at("line").contains("actor"));
  check(lines[1].at("line").at("text").get<std::string>().find("it is broken") != std::string::npos);
  return 0;
}
