#!/usr/bin/env python3
"""Runs the benchmarks and prints docs/performance.md: medians, beside a baseline of the same run and the target.

    report.py FOLDER [REPETITIONS]        the folder with the programs bench_call, bench_lifecycle and bench_commit
"""
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys

FLAGS = ["--benchmark_min_time=0.05", "--benchmark_enable_random_interleaving=true", "--benchmark_format=json"]


class Figure:
    """One number of a benchmark: how it is read, and how it is written."""

    def __init__(self, read, write):
        self.read, self.write = read, write


def rounded(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


NS = Figure(lambda run: 1e9 / run["items_per_second"], lambda v: f"{rounded(v)} ns")
US = Figure(lambda run: 1e6 / run["items_per_second"], lambda v: f"{rounded(v)} µs")
MS_A_MILLION = Figure(lambda run: 1e9 / run["items_per_second"], lambda v: f"{rounded(v)} ms")
PER_SECOND = Figure(lambda run: run["items_per_second"], lambda v: f"{v / 1e6:.3g} M/s" if v >= 1e6 else f"{v:,.0f}/s")


def counter(name, unit):
    return Figure(lambda run: run[name], lambda v: f"{rounded(v)} {unit}".strip())


P50, P99 = counter("p50_us", "µs"), counter("p99_us", "µs")
BYTES, PERCENT = counter("bytes_each", "bytes"), counter("committer_percent", "%")

# Heading, program, rows of: what, benchmark, figure, target (at most if positive, at least if negative, or None; as a
# factor of the baseline if it is a string), baseline.
TABLES = [
    ("Calls of actors in memory", "bench_call", [
        ("awaited call, idle actor, plain action", "call/plain/1", NS, 15, "baseline/cas_pair"),
        ("the same, const action", "call/const/1", NS, 15, "baseline/cas_pair"),
        ("the same, coroutine action", "call/coroutine_action/1", NS, 35, "baseline/recycled_frame"),
        ("1,000 actors in turn", "call/plain/1000", NS, 20, "baseline/cas_pair"),
        ("1,000,000 actors in turn", "call/plain/1000000", NS, None, "baseline/cas_pair"),
        ("1,000 actors in turn, coroutine action", "call/coroutine_action/1000", NS, None, "baseline/recycled_frame"),
        ("from a plain thread, `get()`", "call/from_thread", NS, 25, "baseline/mutex"),
        ("`relaxed` actor, plain action", "call/relaxed_plain/1", NS, 15, "baseline/cas_pair"),
        ("`committed` actor, const action", "call/committed_const/1", NS, 15, "baseline/cas_pair"),
        ("by key, one of a million, cold", "call/by_key_of_a_million", NS, 300, "baseline/malloc_free"),
        ("actor to actor", "call/actor_to_actor", NS, 55, "baseline/cas_pair"),
        ("awaiting an empty `task`", "baseline/troupe_task", NS, None, "baseline/recycled_frame"),
    ]),
    ("Messages that queue", "bench_call", [
        ("post to an idle actor, then run it; one thread", "queue/post_and_run/1", NS, None, "baseline/malloc_free"),
        ("post 128, then run them", "queue/post_and_run/128", NS, 60, "baseline/malloc_free"),
        ("post 1,024, then run them", "queue/post_and_run/1024", NS, 60, "baseline/malloc_free"),
        ("`when_all` of 256 calls of one actor, each", "queue/when_all/256/1", NS, None, "baseline/malloc_free"),
        ("`when_all` of 256 calls of 256 actors, each", "queue/when_all/256/256", NS, None, "baseline/malloc_free"),
        ("ping-pong, a round of two posts", "queue/ping_pong", NS, 55, "baseline/cas_pair"),
        ("one producer, at most 1,024 under way", "queue/fan_in/1", PER_SECOND, -45e6, None),
        ("two producers, at most 1,024 each under way", "queue/fan_in/2", PER_SECOND, -45e6, None),
        ("two coroutines hammer one actor", "queue/contended", NS, 60, "baseline/mutex_contended/threads:2"),
        ("two threads hammer one actor with `get()`", "queue/contended_threads/threads:2", NS, 60,
         "baseline/mutex_contended/threads:2"),
    ]),
    ("Coming and going", "bench_lifecycle", [
        ("first call of a new key", "lifecycle/spawn/100000", NS, 350, None),
        ("memory of an actor that is awake", "lifecycle/spawn/100000", BYTES, 216, None),
        ("wake, memory store", "lifecycle/wake/memory", US, None, None),
        ("wake, SQLite, row cached", "lifecycle/wake/sqlite", US, 12, None),
        ("skynet, scaled to a million leaves: actors", "skynet/actors/10000", MS_A_MILLION, 200, None),
        ("skynet, scaled to a million leaves: tasks", "skynet/tasks/100000", MS_A_MILLION, 30, None),
    ]),
    ("Connections and events", "bench_event", [
        ("broadcast to 10,000 connections, each, `relaxed`", "event/broadcast/relaxed/10000", PER_SECOND, None,
         "baseline/fan_out_by_hand/10000"),
        ("the same, `committed`", "event/broadcast/committed/10000", PER_SECOND, None,
         "baseline/fan_out_by_hand/10000"),
        ("events to one connection, `relaxed`", "event/to_one/relaxed", PER_SECOND, None, "baseline/locked_queue/1"),
        ("the same, `committed`", "event/to_one/committed", PER_SECOND, None, "baseline/locked_queue/1"),
        ("the same, `relaxed`, awaited one by one", "event/to_one/stream", PER_SECOND, None,
         "baseline/locked_queue/1"),
        ("a call that broadcasts to nobody", "event/to_nobody", PER_SECOND, None, None),
        ("connect and close", "event/connect_and_close", PER_SECOND, None, None),
        ("memory of a connection with a subscription", "event/memory", BYTES, None, None),
    ]),
    ("Queues, until a message is handled and acknowledged; on disk with `synchronous = FULL`", "bench_message", [
        *((f"from outside, {senders:,} sender{'s' * (senders > 1)}, `committed`", f"message/from_outside/committed/{senders}", PER_SECOND,
           None, f"baseline/table_by_hand/{rows}")
          for senders, rows in ((1, 1), (64, 64), (1024, 1000))),
        ("from outside, 64 senders, `relaxed`", "message/from_outside/relaxed/64", PER_SECOND, None,
         "baseline/table_by_hand/64"),
        ("from outside, 64 senders, `ephemeral`", "message/from_outside/ephemeral/64", PER_SECOND, None, None),
        ("between actors, one a turn, `committed`", "message/between_actors/committed/1", PER_SECOND, None,
         "baseline/table_by_hand/1"),
        ("between actors, 1,000 a turn, `committed`", "message/between_actors/committed/1000", PER_SECOND, None,
         "baseline/table_by_hand/1000"),
        ("between actors, 1,000 a turn, `relaxed`", "message/between_actors/relaxed/1000", PER_SECOND, None,
         "baseline/table_by_hand/1000"),
    ]),
    ("Simulation, one thread", "bench_simulation", [
        ("`advance(24h)`, all asleep", "simulation/day/0", US, None, None),
        ("the same, 100 actors that go to sleep", "simulation/day/100", US, None, None),
        ("pieces of work of ten callers, `committed`", "simulation/steps", PER_SECOND, None, None),
        ("seeds of 10 s with all faults", "simulation/seeds", PER_SECOND, None, None),
        ("call, commit, crash and start", "simulation/crash", US, None, None),
    ]),
    ("Durable, `synchronous = FULL`, 120-byte states that change", "bench_commit", [
        *(row
          for callers, target in ((1, -5e3), (64, -130e3), (1024, -450e3), (4096, -500e3))
          for row in (
              (f"{callers:,} callers", f"durable/actors/{callers}", PER_SECOND, target,
               f"durable/plain_sqlite/{callers}"),
              (f"{callers:,} callers, p50", f"durable/actors/{callers}", P50, None, f"durable/plain_sqlite/{callers}"),
              (f"{callers:,} callers, p99", f"durable/actors/{callers}", P99, None, f"durable/plain_sqlite/{callers}"),
              (f"{callers:,} rows, plain SQLite", f"durable/plain_sqlite/{callers}", PER_SECOND, None,
               f"durable/raw_append/{callers}"))),
        ("one blocking caller, p50", "durable/blocking_caller", P50, "1.6", "durable/raw_append/1"),
        ("creation, 1,024 at a time", "durable/create/1024", PER_SECOND, -150e3, None),
        ("1,000 hot `relaxed` actors, two callers", "relaxed/hot", PER_SECOND, -10e6, None),
        ("the committer's share of a core meanwhile", "relaxed/hot", PERCENT, 30, None),
    ]),
]


def run(folder, program, repetitions):
    command = [os.path.join(folder, program), *FLAGS, f"--benchmark_repetitions={repetitions}"]
    output = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    results = {}
    for one in output["benchmarks"]:
        if one["run_type"] != "iteration":
            continue
        if one.get("error_occurred"):
            sys.exit(f"{one['name']}: {one['error_message']}")
        name = "/".join(part for part in one["run_name"].split("/")
                        if part not in ("real_time", "manual_time") and not part.startswith(("iterations:", "repeats:")))
        results.setdefault(name, []).append(one)
    return results


def row(results, what, name, figure, target, baseline):
    values = [figure.read(one) for one in results[name]]
    median = statistics.median(values)
    spread = f"{figure.write(min(values))} to {figure.write(max(values))}"
    cells = [what, figure.write(median), spread, "", "", "", ""]
    if baseline is not None:
        beside = statistics.median(figure.read(one) for one in results[baseline])
        cells[3:5] = f"{figure.write(beside)} ({baseline.split('/')[1].replace('_', ' ')})", f"{median / beside:.2g}"
    if isinstance(target, str):
        cells[5:] = f"<= {target} x", "yes" if median <= float(target) * beside else "no"
    elif target is not None:
        met = median <= target if target > 0 else median >= -target
        cells[5:] = f"{'<=' if target > 0 else '>='} {figure.write(abs(target))}", "yes" if met else "no"
    return "| " + " | ".join(cells) + " |"


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else sys.exit(__doc__)
    repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    results = {}
    print("# Performance\n")
    print("Printed by `cmake --preset release && cmake --build --preset release --target bench_report`.\n"
          "The programs are in `tests/bench`.\n")
    print(f"{processor()}, {platform.system()} {platform.machine()}, {datetime.date.today()}. Medians of {repetitions} "
          "repetitions in random order, wall clock.\nFigures of different runs do not compare: look at what stands "
          "beside, which is measured in the same run.")
    for heading, program, rows in TABLES:
        if program not in results:
            results[program] = run(folder, program, repetitions)
        print(f"\n## {heading}\n")
        print("| what | median | range | beside it | ratio | target | met |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
        for each in rows:
            print(row(results[program], *each))


if __name__ == "__main__":
    main()
