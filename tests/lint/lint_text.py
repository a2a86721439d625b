#!/usr/bin/env python3
"""House rules that a text search can check.

    lint_text.py ROOT        the project's root; exit status 1 when it finds something
"""
import pathlib
import re
import sys

from sources import files

# In pieces, so that this file passes its own check.
UNFINISHED = [
    "to" "do", "fix" "me", "x" "xx", "ha" "ck", "st" "ub", "place" "holder", "not imple" "mented", "for" " now",
]
FILE_LINES_MAX = 500
LINE_COLUMNS_MAX = 120

unfinished = re.compile(r"\b(" + "|".join(UNFINISHED) + r")\b", re.I)
real_sleep = re.compile(r"\bsleep_(for|until)\b|\busleep\(|(?<![.\w>])sleep\(|\bnanosleep\b")
using_namespace = re.compile(r"^\s*using\s+namespace\b", re.M)

CODE = {".hpp", ".cpp"}
LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
TEXT = CODE | {".md", ".py", ".txt", ".cmake", ".sh"}


def find(root):
    """Yields (file, line, fault) for every broken rule under the project's root."""
    folders = [root / name for name in ("include", "src", "examples", "tests", "docs")]
    for file in files(folders, TEXT):
        text = file.read_text(encoding="utf-8")
        for hit in unfinished.finditer(text):
            yield file, line_of(text, hit), f'"{hit.group()}": finish it, or leave it out and say so in the docs'
    for file in files([root / "include", root / "src"], CODE):
        text = file.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > FILE_LINES_MAX:
            yield file, lines, f"more than {FILE_LINES_MAX} lines: it wants to be two nouns"
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > LINE_COLUMNS_MAX:
                yield file, number, f"{len(line)} columns; {LINE_COLUMNS_MAX} are allowed"
    for file in files([root / name for name in ("include", "src", "examples")], CODE):
        if not file.read_text(encoding="utf-8").startswith(LICENCE):
            yield file, 1, f"the first line is {LICENCE.strip()}"
    for file in files([root / "include"], CODE):
        text = file.read_text(encoding="utf-8")
        if "#pragma once" not in text.splitlines()[:2]:
            yield file, 1, "a header begins with #pragma once"
        for hit in using_namespace.finditer(text):
            yield file, line_of(text, hit), "using namespace in a header reaches every user"
    for file in files([root / "tests"], CODE):
        if "bench" in file.parts:
            continue
        text = file.read_text(encoding="utf-8")
        for hit in real_sleep.finditer(text):
            yield file, line_of(text, hit), "a test waits on a condition or on virtual time, never on the clock"


def line_of(text, hit):
    return text.count("\n", 0, hit.start()) + 1


def main():
    found = False
    root = pathlib.Path(sys.argv[1])
    for file, line, fault in find(root):
        print(f"{file.relative_to(root)}:{line}: {fault}")
        found = True
    return found


if __name__ == "__main__":
    sys.exit(main())
