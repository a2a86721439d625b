#!/usr/bin/env python3
"""docs/invariants.md names files, functions, tests and planted faults: all of them exist.

    lint_invariants.py ROOT [DOCUMENT]

In a table, `file.cpp` (`name`, `other`) says that the file has these names. A test by its file name alone stands in
tests/. Every other name in backticks is a word of the sources, of the tests or of the build. A planted fault is one of
src/core/planted.hpp, each of which is in a table.
"""
import pathlib
import re
import sys

FOLDERS = "include", "src", "tests", "examples", "cmake"
SUFFIXES = {".hpp", ".cpp", ".py", ".txt", ".cmake", ".json"}

quoted = re.compile(r"`([^`]+)`")
path_of = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?\Z")
file_with_names = re.compile(r"`([\w./-]+\.[ch]pp)` \(((?:`[^`]+`(?:, )?)+)\)")
word = re.compile(r"[A-Za-z_]\w*")


def is_path(text):
    return path_of.match(text) is not None and ("/" in text or pathlib.PurePath(text).suffix in SUFFIXES)


class Tree:
    """The files of a project, by their paths and by their words."""

    def __init__(self, root):
        self.root = root
        self.words = {}
        self.names = set()  # of files, and those of tests without their ending
        for file in [*root.glob("CMakePresets.json"), *(f for each in FOLDERS for f in (root / each).rglob("*"))]:
            if file.suffix in SUFFIXES and "/lint/" not in file.as_posix():
                self.names |= {file.name, file.name.removesuffix("_test.cpp")}
                self.words[file] = set(word.findall(file.read_text(encoding="utf-8")))
        self.all_words = set().union(*self.words.values())

    def has(self, path):
        return (self.root / path).exists() or path in self.names

    def lacks(self, path, name):
        """The first word of the name that the file does not have."""
        return next((each for each in word.findall(name) if each not in self.words.get(self.root / path, ())), None)

    def first_unknown(self, text):
        return next((each for each in word.findall(text) if each not in self.all_words), None)


def planted(tree):
    file = tree.root / "src/core/planted.hpp"
    listing = re.search(r"enum class planted[^{]*\{(.*?)\n\};", file.read_text(encoding="utf-8"), re.DOTALL)
    return set(re.findall(r"^\s*(\w+),", listing.group(1), re.MULTILINE)) - {"none"}


def find(root, document):
    """Yields (line, fault)."""
    tree = Tree(root)
    told = set()
    in_planted = False
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        in_planted = line.startswith("|") and (in_planted or line.startswith("| planted |"))
        if in_planted and (row := re.match(r"\| `(\w+)` \|", line)):
            told.add(row.group(1))
        for path, names in file_with_names.findall(line):
            for name in quoted.findall(names):
                if tree.has(path) and (missing := tree.lacks(path, name)):
                    yield number, f"{path} has no `{missing}`"
        for text in quoted.findall(line):
            if is_path(text):
                if not tree.has(text):
                    yield number, f"there is no {text}"
            elif text not in tree.names and (missing := tree.first_unknown(text)):
                yield number, f"`{missing}` is nowhere"
    faults = planted(tree)
    for name in sorted(told - faults):
        yield 0, f"{name} is no planted fault"
    for name in sorted(faults - told):
        yield 0, f"the planted fault {name} is not in a table"


def main():
    root = pathlib.Path(sys.argv[1])
    document = root / (sys.argv[2] if len(sys.argv) > 2 else "docs/invariants.md")
    found = list(find(root, document))
    for number, what in found:
        print(f"{document.relative_to(root)}:{number}: {what}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
