#!/usr/bin/env python3
"""Fails if an awaited call is not so many times faster than what it is promised to beat, measured in turns.

    ratios.py FOLDER        the folder with bench_call, bench_caf and bench_asio

Many short rounds, each round all programs one after the other; the fastest of each counts, since all that the machine
does besides is make them slower.
"""
import json
import pathlib
import re
import subprocess
import sys

ROUNDS = 20
CALL = "call/plain/1"
# Program, benchmark, how many times our call fits into it at least. Asio's call is a post to a strand, and another one
# with the answer.
PEERS = [
    ("bench_caf", "caf/call/plain/1", 20),
    ("bench_asio", "asio/call/plain", 5),
]
SKIPPED = 77


def nanoseconds(program, benchmark):
    command = [program, f"--benchmark_filter=^{re.escape(benchmark)}/real_time$", "--benchmark_min_time=0.02",
               "--benchmark_format=json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return 1e9 / json.loads(done.stdout)["benchmarks"][0]["items_per_second"]


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
    missing = [program for program, _, _ in PEERS if not (folder / program).exists()]
    if missing:
        print(f"skipped: {', '.join(missing)} is not built; on Debian the packages are libcaf-dev and libasio-dev")
        return SKIPPED
    measured = {}
    for _ in range(ROUNDS):
        for program, benchmark in [("bench_call", CALL), *((program, name) for program, name, _ in PEERS)]:
            measured.setdefault(benchmark, []).append(nanoseconds(folder / program, benchmark))
    ours = min(measured[CALL])
    print(f"{CALL}: {ours:.1f} ns")
    failed = False
    for _, name, least in PEERS:
        theirs = min(measured[name])
        met = theirs >= least * ours
        failed |= not met
        print(f"{name}: {theirs:.0f} ns, {theirs / ours:.1f} times as long; at least {least} are promised")
        if not met:
            print("MISSED")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
