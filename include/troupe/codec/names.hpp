// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

// Names of types and members, read from what the compiler says about a template's argument. The spellings differ:
//
//            g++ 12                                                    clang 14 to 19
//   type     ... [with T = ns::foo]                                    ... [T = ns::foo]
//   method   ... [with auto Method = &ns::foo::bar]                    ... [Method = &ns::foo::bar]
//   field    ... {((const int*)(& nowhere<foo>.wrapped<foo>::value.foo::bar))}]   ... {&nowhere.value.bar}]
//
// The name of a member is the last identifier of the text, whatever brackets, literals and operators the template
// arguments before it contain. `__PRETTY_FUNCTION__` and not `std::source_location`, which drops template arguments on
// some versions. The functions return `std::basic_string_view<char>`: g++ explains a type alias behind the argument.

namespace troupe {
inline namespace v0 {
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

constexpr bool is_identifier(std::string_view text) noexcept {
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') && last_identifier(text).size() == text.size();
}

// The last identifier of the text; nothing may stand behind it but brackets.
constexpr std::string_view final_identifier(std::string_view text) noexcept {
  while (!text.empty() && (text.back() == ']' || text.back() == '}' || text.back() == ')')) text.remove_suffix(1);
  return last_identifier(text);
}

// How many characters at the beginning of the text are no brackets although they look like them: a literal, or the name
// of an operator.
constexpr std::size_t opaque_prefix(std::string_view text) noexcept {
  if (text[0] == '\'' || text[0] == '"') {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\') ++i;
      else if (text[i] == text[0]) return i + 1;
    }
    return 1;
  }
  constexpr std::string_view word = "operator";
  if (!text.starts_with(word)) return 0;
  const std::string_view rest = text.substr(word.size());
  for (const std::string_view symbol : {"()", "<=>", "<=", ">=", "->", "<", ">"}) {
    if (rest.starts_with(symbol)) return word.size() + symbol.size();
  }
  return word.size();
}

// The part behind the last "::" that is not inside <...>, (...), {...} or a literal.
constexpr std::string_view unqualified(std::string_view name) noexcept {
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (i == 0 || !is_name_char(name[i - 1])) {
      i += opaque_prefix(name.substr(i));
      if (i == name.size()) break;
    }
    const char c = name[i];
    if (c == '<' || c == '(' || c == '{') ++depth;
    if (c == '>' || c == ')' || c == '}') --depth;
    if (depth == 0 && c == ':') begin = i + 1;
  }
  return name.substr(begin);
}

// Whether names tell members apart: each an identifier, and no two the same.
template <class Names>
constexpr bool tell_apart(const Names& names) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!is_identifier(names[i])) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i] == names[j]) return false;
    }
  }
  return true;
}

template <class T>
consteval std::basic_string_view<char> text_about_type() {
  return __PRETTY_FUNCTION__;
}

// The text in the place where another type has "int".
template <class T>
consteval std::string_view spelled_type() {
  constexpr std::string_view sample = text_about_type<int>();
  constexpr std::size_t before = sample.rfind("int");
  static_assert(before != std::string_view::npos, "troupe: this compiler does not spell template arguments");
  constexpr std::string_view text = text_about_type<T>();
  return text.substr(before, text.size() - (sample.size() - std::string_view{"int"}.size()));
}

template <auto Method>
consteval std::basic_string_view<char> text_about_method() {
  return __PRETTY_FUNCTION__;
}

// The name of a method; empty for an operator or a conversion.
template <auto Method>
consteval std::string_view spelled_method() {
  constexpr std::string_view text = text_about_method<Method>();
  if (text.find("::operator ") != std::string_view::npos) return {};
  return last_identifier(text.substr(0, text.size() - 1));
}

template <auto Field>
consteval std::basic_string_view<char> text_about_field() {
  return __PRETTY_FUNCTION__;
}

template <auto Field>
consteval std::string_view spelled_field() {
  return final_identifier(text_about_field<Field>());
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

/// The name of a member function: `member_name<&counter::increment>()` is "increment". Operators and conversions have
/// none, and do not compile.
template <auto Method>
consteval std::string_view member_name() {
  constexpr std::string_view name = detail::spelled_method<Method>();
  static_assert(detail::is_identifier(name), "troupe: this member function has no name that is an identifier");
  return name;
}

}  // namespace v0
}  // namespace troupe
