#!/usr/bin/env python3
"""Sits at the terminals of the chat, talks, kills it in mid-conversation, and reads what is left.

    check.py PROGRAM
"""
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time

SECONDS_MAX = 30  # for whatever is waited for
KILLS = 5


class Failure(Exception):
    pass


class Person:
    """One end of a pseudo-terminal: types, and reads the screen."""

    def __init__(self, name):
        self.name = name
        self.master, self.slave = pty.openpty()
        self.device = os.ttyname(self.slave)
        self.unread = ""

    def type(self, line):
        os.write(self.master, (line + "\r").encode())

    def sees(self, text):
        """Reads on until `text`; returns what was on the screen before it."""
        deadline = time.monotonic() + SECONDS_MAX
        while text not in self.unread:
            if not select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failure(f"{self.name} waits for {text!r}, and sees {self.unread!r}")
            self.unread += os.read(self.master, 65536).decode(errors="replace")
        before, self.unread = self.unread.split(text, 1)
        return before

    def comes_in(self):
        self.sees("your name? ")
        self.type(self.name)
        return self.sees("> ")

    def hangs_up(self):
        os.close(self.slave)
        os.close(self.master)


def start(program, database, *people):
    return subprocess.Popen([program, database, *(p.device for p in people)], stdin=subprocess.DEVNULL)


def ends(process, status):
    found = process.wait(SECONDS_MAX)
    if found != status:
        raise Failure(f"the program ended with {found} and not with {status}")


def conversation(program, database):
    alice, bob = Person("alice"), Person("bob")
    chat = start(program, database, alice, bob)
    alice.comes_in()
    alice.sees("* alice joined")
    bob.sees("your name? ")
    bob.type("alice")
    bob.sees("alice is here already")
    bob.type("two words")
    bob.sees("A name is one word")
    bob.type("bob")
    alice.sees("* bob joined")

    alice.type("hello bob")
    bob.sees("alice: hello bob")
    bob.type("hello alicex\x7f, \u00fc\u20ac\x7f!")  # corrected while it is typed, a character at a time
    alice.sees("bob: hello alice, \u00fc!")
    alice.type("/who")
    alice.sees("* here: alice, bob")
    alice.type("/nick Alice")
    bob.sees("* alice is now Alice")
    bob.type("/what")
    bob.sees("* /who, /nick NAME, /quit")

    os.write(alice.master, b"half a line")
    alice.sees("> half a line")
    bob.type("excuse me")  # does not run into what alice types
    alice.sees("bob: excuse me\r\n> half a line")
    os.write(alice.master, b", and the rest\r")
    bob.sees("Alice: half a line, and the rest")

    alice.type("/quit")
    bob.sees("* Alice left")
    bob.type("the last word")
    bob.sees("bob: the last word")
    os.kill(chat.pid, signal.SIGKILL)
    ends(chat, -signal.SIGKILL)
    return alice, bob


HISTORY = ["alice: hello bob", "bob: hello alice, \u00fc!", "bob: excuse me", "Alice: half a line, and the rest",
           "bob: the last word"]


def in_order(screen, lines):
    """Whether all of these are on the screen, once each, and in this order."""
    places = [screen.find(line) for line in lines]
    if min(places) < 0 or places != sorted(places) or any(screen.count(line + "\r") != 1 for line in lines):
        raise Failure(f"expected {lines} on the screen, and found {screen!r}")


def killed_again_and_again(program, database, alice, bob):
    """Each time while both talk: whatever one of them has seen is there in the next life."""
    seen = list(HISTORY)
    for life in range(KILLS):
        chat = start(program, database, alice, bob)
        for person in (alice, bob):
            person.comes_in()
            person.type("/who")
            in_order(person.sees("* here: "), seen)
        for i in range(3 + life):
            for person, other in ((alice, bob), (bob, alice)):
                person.type(f"{life}.{i}")
                other.sees(f"{person.name}: {life}.{i}\r")
                seen.append(f"{person.name}: {life}.{i}")
        alice.type("in mid-conversation")  # may be lost, or not
        bob.type("in mid-conversation")
        os.kill(chat.pid, signal.SIGKILL)
        ends(chat, -signal.SIGKILL)
    return seen


def one_hangs_up(program, database, alice, bob, seen):
    chat = start(program, database, alice, bob)
    for person in (alice, bob):
        person.comes_in()
        person.type("/who")
        in_order(person.sees("* here: "), seen)
    other = subprocess.run([program, database, bob.device], capture_output=True, text=True, timeout=SECONDS_MAX)
    if other.returncode != 1 or "store.in_use" not in other.stderr:
        raise Failure(f"a second program on one database says {other.stderr!r}")
    bob.hangs_up()
    alice.sees("* bob left")
    alice.type("anybody there?")
    alice.sees("alice: anybody there?")
    os.write(alice.master, b"\x04")
    ends(chat, 0)


def one_stops_reading(program, database):
    """A stopped terminal holds up nobody, and is let go before it fills the memory."""
    carol, dave = Person("carol"), Person("dave")
    chat = start(program, database, carol, dave)
    for person in (carol, dave):
        person.comes_in()
    for i in range(1000):
        dave.type(f"{i} " + "x" * 900)
        if "* carol left" in dave.sees(f"dave: {i} "):
            break
    else:
        raise Failure("carol reads nothing, and is still here")
    dave.type("/quit")
    ends(chat, 0)


def refuses(program, database):
    for arguments, status, text in (([], 2, "usage"), ([database, os.devnull], 1, os.devnull)):
        found = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=SECONDS_MAX)
        if found.returncode != status or text not in found.stderr:
            raise Failure(f"chat {arguments} ends with {found.returncode} and says {found.stderr!r}")


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "chat.db")
        try:
            refuses(program, database)
            alice, bob = conversation(program, database)
            seen = killed_again_and_again(program, database, alice, bob)
            one_hangs_up(program, database, alice, bob, seen)
            one_stops_reading(program, database)
        except Failure as failure:
            print(failure)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
