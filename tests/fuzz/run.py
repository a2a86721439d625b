#!/usr/bin/env python3
"""Runs fuzzers, each on a core, leaving its corpus as it is, and says what they did.

    run.py BUILD                    every target of the build folder, about a minute each, on all cores
    run.py BUILD json --seconds 600 --seed 0 --keep    one target, longer; what it learned goes into the corpus

Without --seconds a target runs as many inputs as RUNS says, from a fixed seed, and a program does the same in every
such run, wherever that is: whether a change passes is not chance, nor a matter of the machine's speed. --seconds
explores; a seed of 0 is another one each time.

The exit status is 1 when a target found something; the input is kept in the build folder, and the command that replays
it is printed.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent

# Inputs in about a minute of a core; of others, 50,000.
RUNS = {"calls": 95_000, "cbor": 190_000, "json": 500_000, "rows": 36_000, "store_file": 42_000, "text": 560_000}

# A short input may make nobody slow or large: seconds, and megabytes in one allocation and in all.
LIMITS = ["-timeout=10", "-malloc_limit_mb=256", "-rss_limit_mb=2048"]


def same_addresses():
    """What libFuzzer learns from comparing bytes and addresses would differ from run to run. For the same reason its
    programs are given relative paths, and nothing of our environment."""
    fixed = ["setarch", "-R"]
    return fixed if subprocess.run([*fixed, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0 else []


def run(program, seconds, keep, seed):
    """Runs one target. Returns what there is to say, and whether all is well."""
    name = program.name.removesuffix("_fuzz")
    work = program.parent / "work" / name
    corpus, findings = work / "corpus", work / "findings"
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"  # files of the store are many and small
    scratch = pathlib.Path(memory) / f"troupe-fuzz-{name}"
    for folder in (corpus, findings, scratch):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    kept = SOURCE / "corpus" / name
    here = lambda path: os.path.relpath(path, program.parent)
    # By name: the order of a folder is the file system's. They are all there is to read: nothing is looked for again.
    inputs = work / "inputs"
    known = sorted(kept.iterdir()) if kept.exists() else []
    inputs.write_text(",".join(here(path) for path in known), encoding="utf-8")
    command = [*same_addresses(), f"./{program.name}", *LIMITS, f"-seed={seed}", "-reload=0", "-print_final_stats=1",
               f"-max_total_time={seconds}" if seconds else f"-runs={RUNS.get(name, 50_000)}",
               f"-artifact_prefix={here(findings)}/", f"-seed_inputs=@{here(inputs)}"]
    dictionary = SOURCE / f"{name}.dict"
    if dictionary.exists():
        command.append(f"-dict={here(dictionary)}")
    given = {"cwd": program.parent, "env": {"PATH": "/usr/bin:/bin", "TMPDIR": str(scratch)}}
    done = subprocess.run([*command, here(corpus)], **given, text=True, check=False, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if keep and done.returncode == 0:
        subprocess.run([f"./{program.name}", *LIMITS, "-merge=1", kept, corpus], **given, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.rmtree(scratch)
    if done.returncode != 0:
        inputs = [*sorted(findings.iterdir()), kept][0]
        return f"{done.stdout[-6000:]}\nfuzz: {name} has found something. Again: {program} {inputs}", False
    runs = re.search(r"number_of_executed_units: (\d+)", done.stdout)
    coverage = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", done.stdout)
    edges, features, inputs = coverage[-1] if coverage else (0, 0, 0)
    return f"fuzz: {name}: {runs and runs[1]} executions, {edges} edges, {features} features, {inputs} inputs", True


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("build", type=pathlib.Path, help="the build folder, as `build/fuzz`")
    arguments.add_argument("targets", nargs="*", help="all, by default")
    arguments.add_argument("--seconds", type=int, help="for each target; by default, RUNS")
    arguments.add_argument("--seed", type=int, default=1, help="of libFuzzer's choices; 0: a new one")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count(), help="targets at a time")
    arguments.add_argument("--keep", action="store_true", help="put what reaches new code into the corpus")
    chosen = arguments.parse_args()
    programs = sorted((chosen.build.resolve() / "tests" / "fuzz").glob("*_fuzz"))
    if chosen.targets:
        programs = [p for p in programs if p.name.removesuffix("_fuzz") in chosen.targets]
    if not programs:
        sys.exit(f"fuzz: no such targets in {chosen.build}; build them: cmake --preset fuzz && cmake --build --preset fuzz")
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        running = [pool.submit(run, p, chosen.seconds, chosen.keep, chosen.seed) for p in programs]
        all_well = True
        for each in concurrent.futures.as_completed(running):
            text, well = each.result()
            all_well = all_well and well
            print(text, flush=True)
    return 0 if all_well else 1


if __name__ == "__main__":
    sys.exit(main())
