#!/usr/bin/env python3
"""Every rule of the linters fires on what it forbids, and on nothing that is fine."""
import pathlib
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parents[1] / "docs"))

import check_snippets
import lint_classes
import lint_co_await
import lint_includes
import lint_invariants
import lint_text

CO_AWAIT_BAD = {
    "condition": ["if (co_await f()) {}", "while (co_await f()) {}"],
    "ternary": ["auto v = c ? co_await f() : g();"],
    "assertion macro": ["REQUIRE(co_await f() == 1);"],
    "aggregate temporary": ["co_await f(msg{a, b});", "co_await f({a, b});", "co_await f(msg{});", "co_await f(x, {});"],
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
    "co_await std::suspend_always{};",
    "co_await f([&] { return x; });",
    "// if (co_await f()) {}",
    'log("if (co_await f())");',
    "awaiter operator co_await() && noexcept { return awaiter{handle_}; }",
]

TEXT_BAD = [
    ("src/core/a.cpp", "// " + "TO" "DO: later\n", "finish it"),
    ("docs/a.md", "This is fine for" " now.\n", "finish it"),
    ("src/core/a.cpp", "\n" * 501, "two nouns"),
    ("include/a.hpp", "#pragma once\n//" + "x" * 130 + "\n", "columns"),
    ("include/a.hpp", "int x;\n", "#pragma once"),
    ("src/core/a.cpp", "int x;\n", "SPDX-License-Identifier"),
    ("include/a.hpp", "#pragma once\n  using namespace std;\n", "using namespace"),
    ("tests/core/a_test.cpp", "std::this_thread::sleep_" "for(1s);\n", "virtual time"),
]
TEXT_GOOD = [
    ("include/a.hpp", lint_text.LICENCE + "#pragma once\n\nusing std::string;\n"),
    ("src/core/a.cpp", lint_text.LICENCE + "\n" * 499),
    ("src/core/a.cpp", lint_text.LICENCE + "void sleep_for_ever();\n"),
    ("tests/bench/a.cpp", "std::this_thread::sleep_" "for(1s);\n"),
    ("tests/core/a_test.cpp", "options{.sleep_after = 30s};\n"),
    ("tests/compile_fail/a.cpp", "std::this_thread::sleep_" "for(1s);\n"),
]

EXAMPLE = """int main() {
  // [visit]
  int a = 1;
  // [inner]
  int b = 2;
  // [/inner]
  // [/visit]
}
"""
SNIPPET_GOOD = [
    "<!-- from: examples/a.cpp#visit -->\n```cpp\nint a = 1;\nint b = 2;\n```\n",
    "<!-- from: examples/a.cpp#inner -->\n\n```cpp\nint b = 2;\n```\n",
    "<!-- from: examples/a.cpp -->\n```cpp\nint main() {\n  int a = 1;\n  int b = 2;\n}\n```\n",
    "```sh\nmake\n```\n",
]
SNIPPET_BAD = [
    ("```cpp\nint a = 1;\n```\n", "needs the line"),
    ("<!-- from: examples/a.cpp#inner -->\n```cpp\nint b = 3;\n```\n", "differs"),
    ("<!-- from: examples/a.cpp#gone -->\n```cpp\n```\n", "0 regions"),
    ("<!-- from: examples/gone.cpp#inner -->\n```cpp\n```\n", "no file"),
    ("<!-- from: docs/a.cpp#inner -->\n```cpp\n```\n", "not compiled"),
]

INCLUDES_BAD = [
    ({"include/troupe/core/a.hpp": "#include <troupe/actor/b.hpp>\n"}, "actor is above core"),
    ({"src/actor/a.cpp": '#include "../runtime/b.hpp"\n'}, "runtime is above actor"),
    ({"src/core/a.hpp": '#include "b.hpp"\n', "src/core/b.cpp": '#include "a.hpp"\n'}, "cycle: core/a, core/b"),
    ({"include/troupe/core/a.hpp": "#include <troupe/core/b.hpp>\n",
      "src/core/b.cpp": '#include "c.hpp"\n', "src/core/c.cpp": "#include <troupe/core/a.hpp>\n"},
     "cycle: core/a, core/b, core/c"),
    ({"include/troupe/core/a.hpp": "int x;\n#include <troupe/core/b.hpp>\n",
      "include/troupe/core/b.hpp": "#include <troupe/core/a.hpp>\n"}, "cycle: core/a, core/b"),
    ({"src/core/a.cpp": "int x;\n", "include/troupe/impl/src.hpp": ""}, "src/core/a.cpp is not listed"),
    ({"include/troupe/impl/src.hpp": '#include "../../../src/core/a.cpp"\n'}, "src/core/a.cpp is not listed here, or"),
]
INCLUDES_GOOD = [
    {"src/actor/a.cpp": '#include "../core/b.hpp"\n#include <troupe/actor/a.hpp>\n', "src/core/b.hpp": "int x;\n"},
    {"include/troupe/core/a.hpp": "#include <troupe/core/b.hpp>\n", "src/core/a.cpp": '#include "c.hpp"\n',
     "src/core/c.hpp": "#include <troupe/core/b.hpp>\n", "src/core/b.cpp": "#include <troupe/core/b.hpp>\n"},
]

MEMBERS = "  int a;\n  void f() const { if (a) { g(); } }\n  int b = 1, c{2};\n"  # three
NO_MEMBERS = "  using t = int;\n  enum class e { x, y };\n  struct inner {\n    int z;\n  };\n public:\n"
CLASSES_BAD = [
    ("class a {\n" + MEMBERS * 16 + "};\n", "a has 48 members"),
    ("struct a : b<c> {\n" + NO_MEMBERS + MEMBERS * 16 + "};\n", "a has 48 members"),
    ("class a {\n  friend class b;\n  friend struct c;\n  friend void d(int);\n  friend class e;\n};\n", "a has 4 friends"),
    ("class cbor_reader {\n  int a;\n};\n", "has shrunk"),
]
CLASSES_GOOD = [
    "class a {\n" + NO_MEMBERS * 20 + MEMBERS * 15 + "};\n",
    "class a {\n  explicit a(int x) : b{x}, c(1) { f(); }\n" + "  static void g() { s({1}); }\n" * 44 + "};\n",
    "class a {\n" + "".join(f"  struct s{i} {{}};\n  friend struct s{i};\n" for i in range(5)) + "};\n",
    "// class a {\n" + MEMBERS * 20,
]

PROJECT = {
    "src/core/planted.hpp": "enum class planted : std::uint8_t {\n  none,\n  bug_one,  ///< bad; {very}\n};\n",
    "src/a.cpp": "void begin();\n",
    "tests/a/b_test.cpp": "",
}
PLANTED = "| planted | what |\n|---|---|\n| `bug_one` | bad |\n"
INVARIANTS_GOOD = [
    "| kept | `src/a.cpp` (`begin`) | `tests/a/b_test.cpp` |\n\n",
    "See `b_test.cpp`, or `b`, and `begin()`.\n\n",
]
INVARIANTS_BAD = [
    ("`src/gone.cpp`\n\n" + PLANTED, "no src/gone.cpp"),
    ("`src/a.cpp` (`end`)\n\n" + PLANTED, "has no `end`"),
    ("`tests/a/c_test.cpp`\n\n" + PLANTED, "no tests/a/c_test.cpp"),
    ("`nothing_like_it`\n\n" + PLANTED, "is nowhere"),
    ("", "bug_one is not in a table"),
    (PLANTED + "| `bug_two` | worse |\n", "bug_two is no planted fault"),
]


def tree(folder, **files):
    """A project in `folder`, of the given files."""
    root = pathlib.Path(folder)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def text_faults(name, text):
    with tempfile.TemporaryDirectory() as folder:
        return [fault for _, _, fault in lint_text.find(tree(folder, **{name: text}))]


def include_faults(files):
    """With the lists of all sources, unless `files` has them."""
    for name, floors in lint_includes.ALL_SOURCES.items():
        listed = [f for f in files if f.endswith(".cpp") and f.split("/")[1] in floors]
        files = {name: "".join(f'#include "../../../{f}"\n' for f in listed), **files}
    with tempfile.TemporaryDirectory() as folder:
        return [fault for _, _, fault in lint_includes.find(tree(folder, **files).resolve())]


def class_faults(text):
    with tempfile.TemporaryDirectory() as folder:
        return [fault for _, _, fault in lint_classes.find(tree(folder, **{"src/core/a.hpp": text}))]


def invariant_faults(document):
    with tempfile.TemporaryDirectory() as folder:
        root = tree(folder, **PROJECT, **{"docs/invariants.md": document})
        return [fault for _, fault in lint_invariants.find(root, root / "docs/invariants.md")]


def snippet_faults(document, update=False):
    """What check_snippets finds; with `update`, what it still finds after rewriting the document."""
    with tempfile.TemporaryDirectory() as folder:
        root = tree(folder, **{"docs/a.md": document, "examples/a.cpp": EXAMPLE})
        if update:
            check_snippets.check(root, root / "docs/a.md", update=True)
        return check_snippets.check(root, root / "docs/a.md", update=False)


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
for document in SNIPPET_GOOD:
    check(not snippet_faults(document), f"the snippet check refuses: {document}")
for document, fault in SNIPPET_BAD:
    check(any(fault in f for f in snippet_faults(document)), f"the snippet check misses: {document}")
for files, fault in INCLUDES_BAD:
    check(any(fault in f for f in include_faults(files)), f"the check of includes misses: {files}")
for files in INCLUDES_GOOD:
    check(not include_faults(files), f"the check of includes refuses: {files}")
for text, fault in CLASSES_BAD:
    check(any(fault in f for f in class_faults(text)), f"the check of classes misses: {text[:60]}")
for text in CLASSES_GOOD:
    check(not class_faults(text), f"the check of classes refuses: {text[:60]}: {class_faults(text)}")
for document in INVARIANTS_GOOD:
    check(not invariant_faults(document + PLANTED), f"the check of invariants refuses: {document}")
for document, fault in INVARIANTS_BAD:
    check(any(fault in f for f in invariant_faults(document)), f"the check of invariants misses: {document}")
check(not snippet_faults(SNIPPET_BAD[1][0], update=True), "--update leaves a difference")

print(*failures, sep="\n")
sys.exit(bool(failures))
