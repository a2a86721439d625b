#!/usr/bin/env python3
"""A class has at most 45 members and 3 friends. A larger one is listed here with its reason, and with what it has: it may
shrink, and does not grow.

    lint_classes.py ROOT            prints what is too large
    lint_classes.py ROOT --largest  prints the ten largest classes

Members are functions, data and constants; types, aliases and friends are none. A friend that is a nested class, or of
which the class is one, does not count.
"""
import pathlib
import re
import sys

MEMBERS_MAX = 45
FRIENDS_MAX = 3

# (members, friends) that a class may have, and why.
LARGER = {
    "runtime_core": (67, 3, "the list of what the parts of a runtime share: each member is one line, and does nothing else"),
    "cbor_reader": (60, 3, "a reader of one format: a function for each kind of value, and the cursor that all of them move"),
}

comment = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z])\'(?:\\.|[^\'\\\n])+\'|^#(?:\\\n|[^\n])*', re.S | re.M)
head = re.compile(r"\b(?:class|struct)\s+(?:\[\[[^\]]*\]\]\s*)?(?:alignas\([^)]*\)\s*)?([\w:]+)[^;{}()=]*$", re.S)
plain = re.compile(r"^(?:using|typedef|friend|static_assert|enum|template\s*<[^{}]*>\s*(?:class|struct|friend|using)|"
                   r"(?:class|struct|union)\s+[\w:]+(?:\s+final)?\s*$)")


class Class:
    def __init__(self, name, file, line):
        self.name, self.file, self.line = name, file, line
        self.members, self.friends = 0, []


def without_labels(text):
    return re.sub(r"^(?:\s*(?:public|protected|private)\s*:(?!:))+", "", text).strip()


def classes(text, file):
    """The classes of a file: what stands between their braces is cut into declarations by `;` and by bodies."""
    text = comment.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    found, stack, start, at = [], [], 0, 0
    parens = 0
    while at < len(text):
        c = text[at]
        if c in "([":
            parens += 1
        elif c in ")]":
            parens -= 1
        elif c == "{" and parens == 0:
            before = without_labels(text[start:at])
            name = head.search(before)
            inside = stack[-1] if stack else None
            if name and not re.search(r"\benum\b", before):
                one = Class(name.group(1), file, text.count("\n", 0, at) + 1)
                one.outer = inside.name if isinstance(inside, Class) else None
                found.append(one)
                stack.append(one)
                start = at + 1
            elif before.startswith("namespace") or before.startswith("inline namespace") or before.startswith("extern"):
                stack.append("space")
                start = at + 1
            else:
                depth, end = 1, at + 1  # a body, or an initialiser
                while depth and end < len(text):
                    depth += {"{": 1, "}": -1}.get(text[end], 0)
                    end += 1
                rest = re.match(r"\s*[,;{]", text[end:])
                is_list = re.search(r"\)\s*(?:noexcept(?:\([^()]*\))?\s*)?:[^:]", before)  # a constructor's
                if not rest and not is_list or (is_list and not re.match(r"\s*[,{]", text[end:])):
                    if isinstance(inside, Class) and not plain.match(before):
                        inside.members += 1
                    start = end
                at = end
                continue
        elif c == "}" and stack:
            stack.pop()
            start = at + 1
        elif c == ";" and parens == 0:
            words = without_labels(text[start:at])
            inside = stack[-1] if stack else None
            if isinstance(inside, Class) and words:
                if words.startswith("friend") or re.match(r"template\s*<.*>\s*friend\b", words, re.S):
                    inside.friends.append(words)
                elif not plain.match(words):
                    inside.members += 1
            start = at + 1
        at += 1
    return found


def all_classes(root):
    for folder in (root / "include/troupe", root / "src"):
        for file in sorted(folder.rglob("*.?pp")):
            yield from classes(file.read_text(encoding="utf-8"), file)


def count_friends(one, nested):
    return sum(1 for f in one.friends if re.split(r"\s+", f)[-1].split("::")[-1] not in nested | {one.outer})


def find(root):
    """Yields (file, line, fault)."""
    known = list(all_classes(root))
    for one in known:
        nested = {other.name for other in known if other.outer == one.name and other.file == one.file}
        friends = count_friends(one, nested)
        members_max, friends_max, _ = LARGER.get(one.name, (MEMBERS_MAX, FRIENDS_MAX, ""))
        if one.members > members_max:
            yield one.file, one.line, f"{one.name} has {one.members} members; {members_max} are allowed"
        if friends > friends_max:
            yield one.file, one.line, f"{one.name} has {friends} friends; {friends_max} are allowed"
        if one.name in LARGER and (max(one.members, MEMBERS_MAX) < members_max or max(friends, FRIENDS_MAX) < friends_max):
            yield one.file, one.line, f"{one.name} has shrunk to {one.members} members and {friends} friends: list that"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    if "--largest" in sys.argv:
        for one in sorted(all_classes(root), key=lambda c: -c.members)[:10]:
            print(f"{one.name:24} {one.members:3} members {len(one.friends):3} friends  {one.file.relative_to(root)}")
        return
    found = list(find(root))
    for file, line, what in found:
        print(f"{file.relative_to(root)}:{line}: {what}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
