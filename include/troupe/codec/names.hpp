#pragma once

#include <cstddef>
#include <string_view>

// Names of types and members, read from what the compiler says about a template's argument. The spellings differ:
//
//            g++ 12                                              clang 14 to 19
//   type     ... [with T = ns::foo; std::string_view = ...]      ... [T = ns::foo]
//   method   ... [with auto Method = &ns::foo::bar; ...]         ... [Method = &ns::foo::bar]
//   field    ... (& nowhere<foo>.wrapped<foo>::value.foo::bar)}  ... {&nowhere.value.bar}]
//
// `__PRETTY_FUNCTION__` and not `std::source_location`, which drops template arguments on some versions.

namespace troupe::inline v0 {
namespace detail {

constexpr bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The identifier that ends where the text ends.
constexpr std::string_view last_identifier(std::string_view text) noexcept {
  std::size_t begin = text.size();
  while (begin > 0 && is_name_char(text[begin - 1])) --begin;
  return text.substr(begin);
}

// What stands behind the last "::" that is not inside <...> or (...).
constexpr std::string_view unqualified(std::string_view name) noexcept {
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '<' || c == '(' || c == '{') ++depth;
    if (c == '>' || c == ')' || c == '}') --depth;
    if (depth == 0 && c == ':') begin = i + 1;
  }
  return name.substr(begin);
}

// The value of the first template argument in a `__PRETTY_FUNCTION__`, which begins after `opening`.
constexpr std::string_view first_argument(std::string_view spelled, std::string_view opening) noexcept {
  const std::size_t begin = spelled.find(opening) + opening.size();
  int depth = 0;
  std::size_t end = begin;
  for (; end < spelled.size(); ++end) {
    const char c = spelled[end];
    if (depth == 0 && (c == ';' || c == ']')) break;
    if (c == '<' || c == '(' || c == '{' || c == '[') ++depth;
    if (c == '>' || c == ')' || c == '}' || c == ']') --depth;
  }
  return spelled.substr(begin, end - begin);
}

template <class T>
consteval std::string_view spelled_type() {
#if defined(__clang__)
  return first_argument(__PRETTY_FUNCTION__, "[T = ");
#else
  return first_argument(__PRETTY_FUNCTION__, "[with T = ");
#endif
}

template <auto Method>
consteval std::string_view spelled_method() {
#if defined(__clang__)
  std::string_view text = first_argument(__PRETTY_FUNCTION__, "[Method = ");
#else
  std::string_view text = first_argument(__PRETTY_FUNCTION__, "[with auto Method = ");
#endif
  while (!text.empty() && !is_name_char(text.back())) text.remove_suffix(1);
  return last_identifier(text);
}

template <auto Field>
consteval std::string_view spelled_field() {
  constexpr std::string_view spelled = __PRETTY_FUNCTION__;
#if defined(__clang__)
  constexpr std::size_t end = spelled.find_last_of('}');
#else
  constexpr std::size_t end = spelled.find(")}");
#endif
  return last_identifier(spelled.substr(0, end));
}

}  // namespace detail

/// The name of T as the compiler spells it, with its namespaces. Compilers differ in details (spaces, anonymous
/// namespaces), so it is for people to read.
template <class T>
consteval std::string_view full_type_name() {
  return detail::spelled_type<T>();
}

/// The name of T without its namespaces and enclosing classes: "chat_room". Template arguments stay as they are.
template <class T>
consteval std::string_view type_name() {
  return detail::unqualified(detail::spelled_type<T>());
}

/// The name of a member function: `member_name<&counter::increment>()` is "increment".
template <auto Method>
consteval std::string_view member_name() {
  return detail::spelled_method<Method>();
}

}  // namespace troupe::inline v0
