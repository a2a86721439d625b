#!/usr/bin/env python3
"""Includes go down only, from floor to floor, in headers and sources, and there is no include cycle between units. A unit
is a header with its source. The lists of all sources in include/troupe/impl are complete.

    lint_includes.py ROOT
    lint_includes.py ROOT --update    writes the lists of all sources anew
"""
import pathlib
import re
import sys

FLOORS = ["core", "codec", "store", "actor", "runtime", "client", "testing"]

# The headers that include all sources, and of which floors.
ALL_SOURCES = {"include/troupe/impl/src.hpp": FLOORS[:-1], "include/troupe/impl/testing_src.hpp": FLOORS[-1:]}

include = re.compile(r'^#include (?:<troupe/([\w/]+)\.hpp>|"([\w./]+)\.hpp")', re.M)


def unit_of(root, file):
    """`floor/name`; None for what stands above all floors."""
    parts = file.relative_to(root).with_suffix("").parts
    parts = parts[2:] if parts[:2] == ("include", "troupe") else parts[1:]
    return "/".join(parts) if len(parts) == 2 and parts[0] in FLOORS else None


def includes(root):
    """Yields (file, line, unit, unit that it includes)."""
    for folder in (root / "include/troupe", root / "src"):
        for file in sorted(folder.rglob("*.?pp")):
            unit = unit_of(root, file)
            text = file.read_text(encoding="utf-8")
            for hit in include.finditer(text) if unit else ():
                public, private = hit.groups()
                path = root / "include/troupe" / public if public else (file.parent / private).resolve()
                other = unit_of(root.resolve() if private else root, path)
                if other and other != unit:
                    yield file, text.count("\n", 0, hit.start()) + 1, unit, other


def cycles(edges):
    """The sets of units that include each other: strongly connected components (Tarjan, 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(unit):
        index[unit] = low[unit] = len(index)
        stack.append(unit)
        for other in edges.get(unit, ()):
            if other not in index:
                visit(other)
                low[unit] = min(low[unit], low[other])
            elif other in stack:
                low[unit] = min(low[unit], index[other])
        if low[unit] == index[unit]:
            members = set()
            while unit not in members:
                members.add(stack.pop())
            if len(members) > 1:
                found.append(members)

    for unit in sorted(edges):
        if unit not in index:
            visit(unit)
    return found


listed = re.compile(r'^#include "../../../(src/[^"]+)"\n', re.M)


def sources(root, floors):
    return [file.relative_to(root).as_posix() for floor in floors for file in sorted((root / "src" / floor).rglob("*.cpp"))]


def unlisted(root):
    """Yields (list, source or line) for what is missing in a list of all sources, or stands there in vain."""
    for name, floors in ALL_SOURCES.items():
        for source in sorted(set(listed.findall((root / name).read_text(encoding="utf-8"))) ^ set(sources(root, floors))):
            yield root / name, source


def update(root):
    for name, floors in ALL_SOURCES.items():
        text = (root / name).read_text(encoding="utf-8")
        at = listed.search(text).start()
        lines = "".join(f'#include "../../../{source}"\n' for source in sources(root, floors))
        (root / name).write_text(text[:at] + lines + listed.sub("", text[at:]), encoding="utf-8")


def find(root):
    """Yields (file, line, fault)."""
    for file, source in unlisted(root):
        yield file, 0, f"{source} is not listed here, or is not there"
    edges = {}
    for file, line, unit, other in includes(root):
        edges.setdefault(unit, set()).add(other)
        floor, below = unit.split("/")[0], other.split("/")[0]
        if FLOORS.index(below) > FLOORS.index(floor):
            yield file, line, f"includes go down only: {below} is above {floor}"
    for members in cycles(edges):
        yield root, 0, f"an include cycle: {', '.join(sorted(members))}"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    if sys.argv[2:] == ["--update"]:
        update(root)
    found = list(find(root))
    for file, line, what in found:
        print(f"{file.relative_to(root)}:{line}: {what}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
