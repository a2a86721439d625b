#!/usr/bin/env python3
"""Every rule of the linters fires on what it forbids, and on nothing that is fine."""
import pathlib
import sys
import tempfile

import lint_co_await
import lint_text

CO_AWAIT_BAD = {
    "condition": ["if (co_await f()) {}", "while (co_await f()) {}"],
    "ternary": ["auto v = c ? co_await f() : g();"],
    "assertion macro": ["REQUIRE(co_await f() == 1);"],
    "aggregate temporary": ["co_await f(msg{a, b});", "co_await f({a, b});"],
    "braces around it": ["point p{co_await f(), 1};"],
    "throw": ["throw error(co_await f());"],
    "lambda capture": ["auto g = [x = co_await f()] { return x; };"],
    "capturing lambda": ["co_await f([x] { return x; });"],
}
CO_AWAIT_GOOD = [
    "co_await f();",
    "auto v = co_await f(x);",
    "v = co_await f(std::move(x));",
    "co_return co_await f();",
    "const bool more = co_await f();\nif (more) {}",
    "co_await f(msg{});",
    "co_await f([&] { return x; });",
    "// if (co_await f()) {}",
    'log("if (co_await f())");',
]

TEXT_BAD = [
    ("src/core/a.cpp", "// " + "TO" "DO: later\n", "finish it"),
    ("docs/a.md", "This is fine for" " now.\n", "finish it"),
    ("src/core/a.cpp", "\n" * 501, "two nouns"),
    ("include/a.hpp", "#pragma once\n//" + "x" * 130 + "\n", "columns"),
    ("include/a.hpp", "int x;\n", "#pragma once"),
    ("include/a.hpp", "#pragma once\n  using namespace std;\n", "using namespace"),
    ("tests/core/a_test.cpp", "std::this_thread::sleep_" "for(1s);\n", "virtual time"),
]
TEXT_GOOD = [
    ("include/a.hpp", "#pragma once\n\nusing std::string;\n"),
    ("src/core/a.cpp", "\n" * 500),
    ("src/core/a.cpp", "void sleep_for_ever();\n"),
    ("tests/bench/a.cpp", "std::this_thread::sleep_" "for(1s);\n"),
    ("tests/core/a_test.cpp", "options{.sleep_after = 30s};\n"),
    ("tests/compile_fail/a.cpp", "std::this_thread::sleep_" "for(1s);\n"),
]


def text_faults(name, text):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        file = root / name
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        return [fault for _, _, fault in lint_text.find(root)]


failures = []


def check(truth, what):
    if not truth:
        failures.append(what)


check(set(CO_AWAIT_BAD) == {rule for rule, _ in lint_co_await.RULES}, "a rule has no example")
for rule, examples in CO_AWAIT_BAD.items():
    for example in examples:
        check(rule in [r for _, r, _ in lint_co_await.find(example)], f"{rule} misses: {example}")
for example in CO_AWAIT_GOOD:
    check(not list(lint_co_await.find(example)), f"co_await rules fire on: {example}")
for name, text, fault in TEXT_BAD:
    check(any(fault in f for f in text_faults(name, text)), f"text rules miss in {name}: {text.strip()[:60]}")
for name, text in TEXT_GOOD:
    check(not text_faults(name, text), f"text rules fire in {name} on: {text.strip()[:60]}")

print(*failures, sep="\n")
sys.exit(bool(failures))
