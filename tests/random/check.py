#!/usr/bin/env python3
"""Runs random programs with a bug planted in the library: within so many seeds one must break a promise.

  check.py random_planted stop_token_ignored 1 200

A crash or a hang is no report. With the bug `none` nothing may be reported.
"""

import os
import re
import subprocess
import sys

LIMIT_SECONDS = 50


def main():
    program, bug, first, seeds, *options = sys.argv[1:]
    environment = {**os.environ, "TROUPE_PLANTED": bug}
    for name in ("TROUPE_SEED", "TROUPE_SEEDS"):
        environment.pop(name, None)
    command = [program, "--first", first, "--seeds", seeds, "--no-shrinking", *options]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        sys.exit(f"{bug}: the programs hang")
    found = re.search(r"^troupe: seed (\d+) failed.*", done.stderr, re.MULTILINE)
    if bug == "none":
        if done.returncode != 0:
            sys.exit(f"nothing is planted, and still:\n{done.stdout}\n{done.stderr}")
        print(f"nothing is found where nothing is, in {seeds} seeds")
    elif done.returncode < 0:
        sys.exit(f"{bug}: died of signal {-done.returncode}:\n{done.stderr}")
    elif done.returncode == 0 or not found:
        sys.exit(f"{bug}: not found in {seeds} seeds:\n{done.stdout}\n{done.stderr}")
    else:
        print(f"{bug}: {found[0]}")


main()
