#!/usr/bin/env python3
"""Starts the program, ends it by each signal, and looks whether it saved what its actor had: check.py PROGRAM"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time


def start(program, file):
    server = subprocess.Popen([program, file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = server.stdout.readline()  # it serves
    found = re.fullmatch(r"beats: (\d+)\n", first)
    if not found:
        server.kill()
        sys.exit(f"the program began with {first!r} and {server.stderr.read()!r}")
    return server, int(found.group(1))


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as directory:
        file = os.path.join(directory, "server.db")
        known = 0
        for sent in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            server, beats = start(program, file)
            if beats < known:
                sys.exit(f"{known} beats were saved, and {beats} are left")
            known = beats
            time.sleep(0.05)  # some beats, as many as there may be
            server.send_signal(sent)
            out, err = server.communicate(timeout=30)
            if server.returncode != 0 or out != f"signal {sent.value}: stopping\nstopped\n" or err:
                sys.exit(f"after {sent.name} it returned {server.returncode} and printed {out!r} and {err!r}")
        server, beats = start(program, file)
        server.kill()
        server.communicate(timeout=30)
        if beats <= known:
            sys.exit(f"nothing was saved since {known} beats")


main()
