#!/usr/bin/env python3
"""Finds the co_await shapes that g++ 12 miscompiles: see docs/compilers.md. House rule: one await, one statement.

    lint_co_await.py PATH...        files, or folders with .hpp and .cpp files; exit status 1 when it finds one
"""
import re
import sys

from sources import code_files

RULES = [
    ("condition", re.compile(r"\b(if|while|switch|for)\s*\([^;{}]*\bco_await\b")),
    ("ternary", re.compile(r"\?[^;{}]*\bco_await\b|\bco_await\b[^;{}]*\?[^;{}]*:(?!:)")),
    ("assertion macro", re.compile(
        r"\b(REQUIRE|CHECK|REQUIRE_FALSE|CHECK_FALSE|REQUIRE_THAT|EXPECT_\w+|ASSERT_\w+|assert|__builtin_constant_p)"
        r"\s*\([^;]*\bco_await\b")),
    ("aggregate temporary", re.compile(
        r"\bco_await\b[^;]*?(?:\b[A-Za-z_][\w:]*(?:<[^;<>]*>)?|[(,])\s*\{\s*[^}\s]")),
    ("braces around it", re.compile(
        r"\b(?!(?:else|do|try|const|noexcept|override|final)\b)[A-Za-z_][\w:>]*\s*\{[^;{}]*\bco_await\b[^;{}]*\}")),
    ("throw", re.compile(r"\bthrow\b[^;]*\bco_await\b")),
    ("lambda capture", re.compile(r"\[[^\];]*\bco_await\b[^\];]*\]\s*[({]")),
    ("capturing lambda", re.compile(r"\bco_await\b[^;]*?[(,]\s*\[[^\]&][^\]]*\]\s*[({]")),
]


def blank(text):
    """The text without what only looks like an await (comments, strings, `operator co_await`), line numbers kept."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    text = re.sub(r"\boperator\s+co_await\b", "operator", text)
    return re.sub(r'"(\\.|[^"\\\n])*"', lambda m: '"' + "_" * (len(m.group()) - 2) + '"', text)


def find(text):
    """Yields (line, rule, excerpt) for every hit in a C++ text."""
    text = blank(text)
    for rule, pattern in RULES:
        for hit in pattern.finditer(text):
            yield text.count("\n", 0, hit.start()) + 1, rule, " ".join(hit.group().split())[:90]


def main():
    found = False
    for path in code_files(sys.argv[1:]):
        for line, rule, excerpt in find(path.read_text(encoding="utf-8")):
            print(f"{path}:{line}: co_await in {rule}: {excerpt}")
            found = True
    return found


if __name__ == "__main__":
    sys.exit(main())
