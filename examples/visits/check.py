#!/usr/bin/env python3
"""Each run of the program in one directory prints one more than the last: check.py PROGRAM"""
import subprocess
import sys
import tempfile

program = sys.argv[1]
with tempfile.TemporaryDirectory() as directory:
    for visit in (1, 2, 3):
        run = subprocess.run([program], cwd=directory, capture_output=True, text=True, timeout=60, check=True)
        if run.stdout != f"visit {visit}\n" or run.stderr:
            sys.exit(f"visit {visit} printed {run.stdout!r} and {run.stderr!r}")
