// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Assertions: what the library relies on, and what it relies on its caller for.
///
/// `TROUPE_ASSERT(condition)` or `TROUPE_ASSERT(condition, "a sentence that says what to do")` ends the process with a
/// line on stderr if the condition does not hold. Assertions are on where NDEBUG is not defined; a program that defines
/// TROUPE_ASSERTIONS as 1 or 0, for the library and for itself, decides that by itself. The condition is not evaluated
/// where they are off. One that contains a comma outside of parentheses needs parentheses of its own.
///
/// A mistake that cannot go on, and that no exception can report, ends the process in every build: see `misused`.

#ifndef TROUPE_ASSERTIONS
#ifdef NDEBUG
#define TROUPE_ASSERTIONS 0
#else
#define TROUPE_ASSERTIONS 1
#endif
#endif

namespace troupe {
inline namespace v0 {
namespace detail {

/// Writes the assertion to stderr and aborts. From any thread.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   const char* sentence = nullptr) noexcept;

/// Writes the sentence to stderr and calls std::terminate. For mistakes that a destructor finds, since it cannot throw.
/// From any thread.
[[noreturn]] void misused(const char* sentence) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe

#define TROUPE_ASSERT(...) TROUPE_ASSERT_PICK(__VA_ARGS__, TROUPE_ASSERT_SAYING, TROUPE_ASSERT_PLAIN, )(__VA_ARGS__)
#define TROUPE_ASSERT_PICK(condition, sentence, chosen, ...) chosen
#define TROUPE_ASSERT_PLAIN(condition) TROUPE_ASSERT_SAYING(condition, nullptr)
#if TROUPE_ASSERTIONS
#define TROUPE_ASSERT_SAYING(condition, sentence) \
  ((condition) ? static_cast<void>(0)             \
               : ::troupe::detail::assertion_failed(#condition, __FILE__, __LINE__, sentence))
#else
#define TROUPE_ASSERT_SAYING(condition, sentence) static_cast<void>(sizeof(!(condition)))
#endif
