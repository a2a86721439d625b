#!/usr/bin/env python3
"""Runs a test of the simulation with a bug planted in the library: within so many seeds it must report one.

  check.py test_planted gate_dropped calls_are_durable_once_acknowledged 20

A crash or a hang is no report. With the bug `none` nothing may be reported, by any of the tests (a,b,c).
"""

import os
import re
import subprocess
import sys

LIMIT_SECONDS = 50


def run(program, bug, promise, seeds):
    """What the test said to stderr, and its exit status; nothing if it hung."""
    tags = ",".join(f"[#{each}_test]" for each in promise.split(","))
    tests = ["--filenames-as-tags", tags, "--warn", "NoTests", "--abort"]
    environment = {**os.environ, "TROUPE_PLANTED": bug, "TROUPE_SEEDS": seeds}
    environment.pop("TROUPE_SEED", None)
    try:
        done = subprocess.run(
            [program, *tests], env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        sys.exit(f"{bug}: {promise} hangs")
    return done


def main():
    program, bug, promise, seeds = sys.argv[1:]
    done = run(program, bug, promise, seeds)
    found = re.search(r"^troupe: seed (\d+) failed.*", done.stderr, re.MULTILINE)
    if bug == "none":
        if done.returncode != 0:
            sys.exit(f"nothing is planted, and still:\n{done.stdout}\n{done.stderr}")
        print(f"nothing is found where nothing is, in {seeds} seeds")
    elif done.returncode < 0:
        sys.exit(f"{bug}: {promise} died of signal {-done.returncode}:\n{done.stderr}")
    elif done.returncode == 0 or not found:
        sys.exit(f"{bug}: not found by {promise} in {seeds} seeds:\n{done.stdout}\n{done.stderr}")
    else:
        print(f"{bug}: {found[0]}")


main()
