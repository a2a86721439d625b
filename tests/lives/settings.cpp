// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <charconv>
#include <stdexcept>
#include <system_error>

namespace lives {

std::uint64_t number_from(const std::string& text) {
  std::uint64_t value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, failure] = std::from_chars(text.data(), last, value);
  if (failure != std::errc{} || end != last) throw std::invalid_argument(text + " is not a number");
  return value;
}

settings settings_from(const std::vector<std::string>& words) {
  settings s;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto next = [&]() -> const std::string& {
      if (i + 1 == words.size()) throw std::invalid_argument(words[i] + " needs a value");
      return words[++i];
    };
    if (words[i] == "--rounds") {
      s.rounds = number_from(next());
    } else if (words[i] == "--seed") {
      s.seed = number_from(next());
    } else if (words[i] == "--plant") {
      s.fault = next();
    } else if (words[i] == "--directory") {
      s.directory = next();
    } else if (words[i] == "--verbose") {
      s.verbose = true;
    } else {
      throw std::invalid_argument("there is no option " + words[i]);
    }
  }
  return s;
}

}  // namespace lives
