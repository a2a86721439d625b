#!/usr/bin/env python3
"""Finds the co_await shapes that g++ before 13 miscompiles: see docs/compilers.md. The rule: one await, one statement.

    lint_co_await.py [--stamp FILE] [--exclude PART]... PATH...

Reads files, and the C++ files of folders, but for those with PART in their path. Exit status 1 when it finds one; else
it touches the stamp. It knows the text and not the types, so it also finds braces that would do no harm: name the
object in a statement before.
"""
import argparse
import pathlib
import re
import sys

SUFFIXES = {".hpp", ".cpp", ".h", ".hh", ".hxx", ".cc", ".cxx", ".c++", ".ipp", ".inl", ".ixx", ".cppm"}

RULES = [
    ("condition", re.compile(r"\b(if|while|switch|for)\s*\([^;{}]*\bco_await\b")),
    ("ternary", re.compile(r"\?[^;{}]*\bco_await\b|\bco_await\b[^;{}]*\?[^;{}]*:(?!:)")),
    ("assertion macro", re.compile(
        r"\b(REQUIRE|CHECK|REQUIRE_FALSE|CHECK_FALSE|REQUIRE_THAT|EXPECT_\w+|ASSERT_\w+|assert|__builtin_constant_p)"
        r"\s*\([^;]*\bco_await\b")),
    ("aggregate temporary", re.compile(
        r"\bco_await\b[^;]*?(?:(?:\b[A-Za-z_][\w:]*(?:<[^;<>]*>)?|[(,])\s*\{\s*[^}\s]"
        r"|[(,]\s*(?:[A-Za-z_][\w:]*(?:<[^;<>]*>)?\s*)?\{\s*\})")),
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


def code_files(paths, excluded):
    for path in map(pathlib.Path, paths):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in SUFFIXES and not any(part in file.as_posix() for part in excluded):
                yield file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.add_argument("--exclude", action="append", default=[], metavar="PART")
    parser.add_argument("--stamp", type=pathlib.Path, metavar="FILE")
    given = parser.parse_args()
    found = False
    for path in code_files(given.paths, given.exclude):
        for line, rule, excerpt in find(path.read_text(encoding="utf-8", errors="replace")):
            print(f"{path}:{line}: error: co_await in {rule}: {excerpt}")
            found = True
    if given.stamp and not found:
        given.stamp.touch()
    return found


if __name__ == "__main__":
    sys.exit(main())
