#!/usr/bin/env python3
"""Runs the demo over the sample and over repositories made for it, and reads what it says.

    check.py PROGRAM [COMMITS]      with COMMITS, over one repository of that many commits only, and prints the output
"""
import os
import subprocess
import sys
import tempfile

ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
    ENVIRONMENT.pop(name, None)

ADA = b"Ada <ada@example.com>"
ALAN = b"Alan <alan@example.com>"
OTHER_ALAN = b"Alan <alan@example.org>"


def git(folder, *arguments, stdin=b""):
    subprocess.run(["git", "-C", folder, *arguments], input=stdin, env=ENVIRONMENT, check=True,
                   stdout=subprocess.DEVNULL)


def fast_import(folder, stream):
    git(folder, "fast-import", "--quiet", stdin=stream)


def quoted(path):
    return b'"' + b"".join(b"\\%03o" % c if c < 32 or c > 126 or c in b'"\\' else bytes([c]) for c in path) + b'"'


def commit(author, hour, *changes, merge=None):
    """A commit of a fast-import stream; a change is (path, content), (path, None) to delete, or (old, new, "move")."""
    text = b"commit refs/heads/main\nauthor %s %d +0000\ncommitter %s %d +0000\ndata 1\nx\n" % (
        author, 1700006400 + hour * 3600, author, 1700006400 + hour * 3600)
    if merge:
        text += b"merge %s\n" % merge
    for change in changes:
        if len(change) == 3:
            text += b"R %s %s\n" % (quoted(change[0]), quoted(change[1]))
        elif change[1] is None:
            text += b"D %s\n" % quoted(change[0])
        else:
            text += b"M 644 inline %s\ndata %d\n%s\n" % (quoted(change[0]), len(change[1]), change[1])
    return text + b"\n"


def awkward(folder):
    """Every name and change that might be misread."""
    many = b"".join(b"line %d\n" % i for i in range(50))
    names = [b'with "quotes" and spaces', b"tab\there", b"new\nline", b"-1\t2\tlike numstat", b"\x01mark",
             b"caf\xe9 latin-1", "größe.txt".encode(), b"back\\slash", b"deep/" * 60 + b"f", b"long" * 50, b"{a => b}",
             b" leading"]
    stream = commit(ADA, 1, *[(name, many) for name in names])
    stream += commit(ALAN, 2, (b"binary", b"\x00\x01\x02" * 100))
    stream += commit(OTHER_ALAN, 3, (names[0], b'moved "there"\n/x', "move"))
    stream += commit(ADA, 4, (b"binary", b"\x00\x02" * 90), (names[4], many + b"more\n"))
    stream += commit(ADA, 23, (names[6], None), (b"\n rename to", b"empty"))
    stream += commit(b" <nobody@example.com>", 0, (b"anonymous", b"1\n2\n"))
    stream += commit(b"Full Name <>", 0, (b"anonymous", b"1\n3\n"))
    stream += commit(ALAN, 5)
    fast_import(folder, stream)


def merged(folder):
    stream = commit(ADA, 1, (b"a", b"1\n"))
    stream = stream.replace(b"refs/heads/main", b"refs/heads/side") + commit(ALAN, 2, (b"a", b"1\n2\n"), (b"b", b"1\n"))
    stream += commit(ADA, 3, merge=b"refs/heads/side")
    fast_import(folder, stream)


def mapped(folder):
    """A .mailmap makes one author of two."""
    mailmap = ALAN + b" " + OTHER_ALAN + b"\n"
    fast_import(folder, commit(ALAN, 1, (b".mailmap", mailmap)) + commit(OTHER_ALAN, 2, (b"a", b"1\n")))
    git(folder, "checkout", "-q", "main")


def of_length(commits):
    def make(folder):
        people = [b"Person %d <p%d@example.com>" % (i, i) for i in range(min(commits, 400))]
        stream = []
        for i in range(commits):
            paths = {b"src/part%d/file%d.c" % (i * k % 97, i * k % 2003) for k in (1, 7, 31)}
            stream.append(commit(people[i * i % len(people)], i % 24, *[(p, b"%d\n" % i * (i % 9 + 1)) for p in paths]))
        fast_import(folder, b"".join(stream))
    return make


def run(program, path):
    return subprocess.run([program, path], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)


def check(program, name, make, expected):
    with tempfile.TemporaryDirectory() as folder:
        if make:
            git(folder, "init", "-q", "-b", "main")
            make(folder)
        result = run(program, folder)
    if result.returncode == 0 and expected in result.stdout and "\x1b" not in result.stdout:
        return True
    print(f"{name}: exit status {result.returncode}, expected 0 and \"{expected}\" in\n{result.stdout}")
    return False


def main():
    program = os.path.abspath(sys.argv[1])
    if len(sys.argv) > 2:
        with tempfile.TemporaryDirectory() as folder:
            git(folder, "init", "-q", "-b", "main")
            of_length(int(sys.argv[2]))(folder)
            result = run(program, folder)
        print(result.stdout)
        return result.returncode
    exactly = "exactly what git counts: "
    good = [
        check(program, "no repository", None, "exactly what the sample holds"),
        check(program, "nothing committed", lambda folder: None, "nothing is committed yet"),
        check(program, "awkward", awkward, exactly + "8 commits by 5 authors"),
        check(program, "merged", merged, exactly + "3 commits by 2 authors"),
        check(program, "mapped", mapped, exactly + "2 commits by 1 author,"),
        check(program, "one", of_length(1), exactly + "1 commit by 1 author,"),
        check(program, "many", of_length(700), exactly + "700 commits by"),
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
