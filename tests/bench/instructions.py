#!/usr/bin/env python3
"""Counts the instructions of the usual operations under valgrind, and fails if one takes more than 5 % more than is
written in instructions.txt. A count is the difference of two runs of unlike length, so that setting up does not count.

    instructions.py PROGRAM [WORKLOAD...]   the program made of instructions.cpp; by default all of its workloads

TROUPE_UPDATE_FILES=1 writes the file anew, for those workloads. The numbers are those of g++ 12 for x86-64, optimised:
for others the script says so and ends with 77, which ctest takes for "skipped".
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

BUILD = "g++ 12, x86-64, optimised"
FILE = pathlib.Path(__file__).with_name("instructions.txt")
HEADER = f"# Instructions an operation, {BUILD}, memory store, one thread. Written by instructions.py.\n"
RUNS = 2_000, 6_000
GROWTH_MAX = 1.05
SKIPPED = 77

collected = re.compile(r"Collected\s*:\s*(\d+)")


def total(program, workload, times):
    """The instructions of one whole run. Nothing of our environment, so that the stack begins where it always does."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, workload, str(times)],
        capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False)
    found = collected.search(done.stderr)
    if done.returncode != 0 or found is None:
        sys.exit(f"{workload}, {times} times, ends with {done.returncode}:\n{done.stderr}")
    return int(found.group(1))


def count(program, workload):
    few, many = (total(program, workload, times) for times in RUNS)
    return round((many - few) / (RUNS[1] - RUNS[0]))


def read():
    if not FILE.exists():
        return {}
    rows = (line.split() for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {name: int(number) for name, number in rows}


def write(counts):
    FILE.write_text(HEADER + "".join(f"{name:<20} {number:>8}\n" for name, number in counts.items()), encoding="utf-8")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    ask = lambda question: subprocess.run([program, question], check=True, capture_output=True, text=True).stdout
    build = ask("--build").strip()
    if build != BUILD:
        print(f"skipped: this program is of {build}; {FILE.name} is of {BUILD}")
        return SKIPPED
    if shutil.which("valgrind") is None:
        print("skipped: there is no valgrind here; on Debian it is the package valgrind")
        return SKIPPED

    workloads = ask("--list").split()
    chosen = sys.argv[2:] or workloads
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(chosen, pool.map(lambda each: count(program, each), chosen)))

    known = read()
    grown = []
    print(f"{'instructions an operation':<26}{'count':>8}{'before':>10}{'change':>9}")
    for name, number in counts.items():
        before = known.get(name)
        change = f"{number / before - 1:+.1%}" if before else "new"
        print(f"{name:<26}{number:>8}{before or '':>10}{change:>9}")
        if before is None or number > before * GROWTH_MAX:
            grown.append(name)

    if os.environ.get("TROUPE_UPDATE_FILES") == "1":
        known.update(counts)
        write({name: known[name] for name in workloads if name in known})
        print(f"{FILE} is written; commit it")
        return 0
    if grown:
        print(f"\nMore than {GROWTH_MAX - 1:.0%} over {FILE.name}, or not in it: {', '.join(grown)}.\n"
              "Find what takes it (valgrind --tool=callgrind, callgrind_annotate). If it is worth its price, run again "
              "with TROUPE_UPDATE_FILES=1 and commit the file.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
