#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the library as two files, for projects that copy it, and the test kit as two more:

    amalgamate.py SOURCE OUT    OUT/troupe.hpp, OUT/troupe.cpp, OUT/troupe_testing.hpp, OUT/troupe_testing.cpp

`SOURCE` is the project's folder. Each header stands in the files once, before the first file that includes it.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef)\b")
END = re.compile(r"^\s*#\s*endif\b")
JSON = "troupe/json.hpp"

LICENSE = """\
// SPDX-License-Identifier: Apache-2.0
// troupe {version}: durable actors for C++20. Made of the project's files by cmake/amalgamate.py; change those instead.
"""

JSON_SWITCH = f"""
// Types with nlohmann `to_json` and `from_json`, and migrations of state, need this part. It includes
// <nlohmann/json.hpp>: define TROUPE_WITH_JSON before the header where it is needed.
#if defined(TROUPE_WITH_JSON)
"""


class Writer:
    """One of the files: what it has, without what `known` has already."""

    def __init__(self, source, known=()):
        self.source = source
        self.present = set(known)
        self.system = set()  # includes of others' headers, which come first
        self.lines = []

    def resolve(self, kind, name, includer):
        """The project's file that an include means; None: it is another's."""
        if kind == "<":
            path = self.source / "include" / name
            return path if name.startswith("troupe/") else None
        return (includer.parent / name).resolve()

    def add(self, path):
        path = path.resolve()
        if path in self.present:
            return
        self.present.add(path)
        body, depth = [], 0
        for line in path.read_text(encoding="utf-8").splitlines():
            if line == "// SPDX-License-Identifier: Apache-2.0" or line.strip() == "#pragma once":
                continue
            depth += bool(CONDITION.match(line)) - bool(END.match(line))
            include = INCLUDE.match(line)
            if include is None:
                body.append(line)
                continue
            target = self.resolve(*include.groups(), path)
            if target is not None:
                self.add(target)
            elif depth > 0:
                body.append(line)
            else:
                self.system.add(line.strip())
        self.lines += [f"\n// --- {path.relative_to(self.source).as_posix()}", *trimmed(body)]

    def text(self, head):
        return "\n".join([head, *sorted(self.system), *self.lines]) + "\n"


def trimmed(lines):
    """Without empty lines at both ends, and with one where there were several."""
    kept = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def sources(source, folders):
    return [path for folder in folders for path in sorted((source / "src" / folder).rglob("*.cpp"))]


def floors(source):
    """The folders of the library, as its build has them."""
    listed = re.search(r"set\(TROUPE_FLOORS ([a-z ]+) CACHE", (source / "CMakeLists.txt").read_text(encoding="utf-8"))
    return listed[1].split()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    version = re.search(r"project\(troupe VERSION (\S+)", (source / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
    license_head = LICENSE.format(version=version)
    include = source / "include" / "troupe"

    header = Writer(source)
    header.add(include / "troupe.hpp")
    json = Writer(source, header.present)
    json.add(source / "include" / JSON)
    json.system -= header.system
    text = header.text(license_head + "#pragma once\n") + json.text(JSON_SWITCH) + "\n#endif\n"
    (out / "troupe.hpp").write_text(text, encoding="utf-8")

    known = header.present | json.present
    library = Writer(source, known)
    for path in sources(source, floors(source)):
        library.add(path)
    head = license_head + '#define TROUPE_WITH_JSON\n#include "troupe.hpp"\n'
    (out / "troupe.cpp").write_text(library.text(head), encoding="utf-8")

    kit = Writer(source, known)
    kit.add(include / "testing.hpp")
    head = license_head + '#pragma once\n#include "troupe.hpp"\n'
    (out / "troupe_testing.hpp").write_text(kit.text(head), encoding="utf-8")

    simulation = Writer(source, known | kit.present)
    for path in sources(source, ["testing"]):
        simulation.add(path)
    head = license_head + '#define TROUPE_WITH_JSON\n#include "troupe_testing.hpp"\n'
    (out / "troupe_testing.cpp").write_text(simulation.text(head), encoding="utf-8")


if __name__ == "__main__":
    main()
