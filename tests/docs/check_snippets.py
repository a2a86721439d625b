#!/usr/bin/env python3
"""Checks that every C++ snippet of the documentation is a region of a file that is compiled.

    check_snippets.py [--update] ROOT

In README.md, CONTRIBUTING.md and docs/*.md, a ```cpp block stands under a marker that names its source:

    <!-- from: examples/counter.cpp#actor -->       the lines between `// [actor]` and `// [/actor]`
    <!-- from: include/troupe/core/key.hpp -->      the whole file

Indentation common to the region is removed, and so are the tag lines of other regions inside it. With --update the
blocks are rewritten from their sources.
"""
import argparse
import pathlib
import re
import sys
import textwrap

COMPILED = ("examples/", "tests/", "include/", "src/")
BLOCK = re.compile(r"(?:^<!-- from: (?P<source>\S+) -->\n+)?^```cpp\n(?P<code>.*?)^```$", re.M | re.S)
TAG_LINE = re.compile(r"^\s*// \[/?[\w-]+\]\s*\n", re.M)


class Fault(Exception):
    pass


def region(root, source):
    """The text that `source` ("path#tag" or "path") names."""
    path, _, tag = source.partition("#")
    if not path.startswith(COMPILED):
        raise Fault(f"{path} is not compiled: a snippet comes from one of {', '.join(COMPILED)}")
    if not (root / path).is_file():
        raise Fault(f"there is no file {path}")
    text = (root / path).read_text(encoding="utf-8")
    if tag:
        found = re.findall(rf"^\s*// \[{tag}\]\s*\n(.*?)^\s*// \[/{tag}\]\s*$", text, re.M | re.S)
        if len(found) != 1:
            raise Fault(f"{path} has {len(found)} regions // [{tag}] ... // [/{tag}], and must have one")
        text = found[0]
    return textwrap.dedent(TAG_LINE.sub("", text)).strip("\n") + "\n"


def check(root, document, update):
    """Compares (or rewrites) the blocks of one document; returns the faults found."""
    text = document.read_text(encoding="utf-8")
    faults = []

    def visit(block):
        line = text.count("\n", 0, block.start()) + 1
        where = f"{document.relative_to(root)}:{line}"
        if not block["source"]:
            faults.append(f"{where}: a ```cpp block needs the line <!-- from: FILE#TAG --> above it")
            return block.group()
        try:
            code = region(root, block["source"])
        except Fault as fault:
            faults.append(f"{where}: {fault}")
            return block.group()
        if code != block["code"] and not update:
            faults.append(f"{where}: differs from {block['source']}; run tests/docs/check_snippets.py --update .")
        return f"<!-- from: {block['source']} -->\n```cpp\n{code}```"

    rewritten = BLOCK.sub(visit, text)
    if update and rewritten != text:
        document.write_text(rewritten, encoding="utf-8")
        print(f"{document.relative_to(root)}: updated")
    return faults


def main():
    arguments = argparse.ArgumentParser(description="Checks the C++ snippets of the documentation.")
    arguments.add_argument("--update", action="store_true", help="rewrite the snippets from their sources")
    arguments.add_argument("root", type=pathlib.Path)
    options = arguments.parse_args()
    root = options.root
    documents = [root / "README.md", root / "CONTRIBUTING.md", *sorted(root.glob("docs/**/*.md"))]
    faults = [fault for file in documents if file.exists() for fault in check(root, file, options.update)]
    for fault in faults:
        print(fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
