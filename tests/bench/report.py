#!/usr/bin/env python3
"""Runs the benchmarks and prints what docs/performance.md says: medians, beside a baseline of the same run.

    report.py FOLDER [--part NAME]... [--rounds N] [--write DOCS] [--stored]

FOLDER has the programs. Every round runs all of them once, one after the other, so that what the machine does besides
meets all alike. --part measures only that part and takes the others from the last run, which FOLDER/report.json keeps;
--stored measures nothing. --write writes DOCS/performance.md and its plots instead of printing.
"""
import argparse
import datetime
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import plot
import tables

HERE = pathlib.Path(__file__).parent
FLAGS = ["--benchmark_min_time=0.05", "--benchmark_format=json"]


def name_of(one):
    """call/plain/1 of call/plain/1/real_time."""
    return "/".join(part for part in one["run_name"].split("/")
                    if part not in ("real_time", "manual_time")
                    and not part.startswith(("iterations:", "repeats:", "min_time:")))


def run(folder, program):
    """The results of one run by name, or None if it could not run."""
    if program == "compile_time":
        command = [sys.executable, HERE / "compile_time.py", "--runs", "1", "--json"]
        command += ["g++", f"-I{HERE.parents[1]}/include"]
    elif not (folder / program).exists():
        print(f"{program} is not built: its rows are left out", file=sys.stderr)
        return None
    else:
        command = [folder / program, *([] if program == "bench_million" else FLAGS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        print(f"{program} ended with {done.returncode}: its rows are left out\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    results = {}
    for one in json.loads(done.stdout)["benchmarks"]:
        if one.get("error_occurred"):
            print(f"{one['name']}: {one['error_message']}", file=sys.stderr)
        elif one["run_type"] == "iteration":
            results.setdefault(name_of(one), []).append(one)
    return results


def measure(folder, parts, rounds):
    """{program: {benchmark: [run, ...]}} of the parts' programs."""
    programs = list(dict.fromkeys(program for part in parts for program in part.programs))
    once = {program for part in parts if part.once for program in part.programs}
    results = {}
    for turn in range(rounds):
        for program in programs:
            if turn != 0 and program in once:
                continue
            print(f"round {turn + 1} of {rounds}: {program}", file=sys.stderr, end=" ", flush=True)
            start = time.monotonic()
            measured = run(folder, program) or {}
            print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
            for name, values in measured.items():
                results.setdefault(program, {}).setdefault(name, []).extend(values)
    return results


class Results:
    """What was measured, by benchmark."""

    def __init__(self, by_program):
        self.by_name = {name: runs for results in by_program.values() for name, runs in results.items()}

    def values(self, name, figure):
        return [figure.read(one) for one in self.by_name.get(name, [])]

    def median(self, name, figure):
        values = self.values(name, figure)
        return statistics.median(values) if values else None


def target(results, r):
    """What a row is to reach, written out, and whether it has; None without a target or a measurement."""
    median = results.median(r.benchmark, r.figure)
    beside = results.median(r.beside, r.figure_beside) if r.beside else None
    limit = r.target * beside if r.target and r.relative and beside else r.target
    if not limit or median is None:
        return None
    goal = f"{r.target:g} x" if r.relative else r.figure.write(abs(r.target))
    return f"{'<=' if limit > 0 else '>='} {goal}", median <= limit if limit > 0 else median >= -limit


def row(results, r):
    """A line of a table, or None if it was not measured."""
    values = results.values(r.benchmark, r.figure)
    if not values:
        return None
    median = statistics.median(values)
    write = r.figure.write
    spread = f"{write(min(values))} to {write(max(values))}" if len(values) > 1 else ""
    cells = [r.what, write(median), spread, "", "", "", ""]
    beside = results.median(r.beside, r.figure_beside) if r.beside else None
    if beside:
        cells[3:5] = f"{write(beside)} ({tables.label(r.beside)})", f"{median / beside:.2g}"
    if goal := target(results, r):
        cells[5:] = goal[0], "yes" if goal[1] else "no"
    return "| " + " | ".join(cells) + " |"


def missed(results):
    """The targets that were not reached, and why."""
    out = ["| what | median | target | what stands in the way |", "| --- | ---: | ---: | --- |"]
    for r in (r for part in tables.PARTS for r in part.rows):
        goal = target(results, r)
        if goal and not goal[1]:
            why = tables.WHY.get(r.what, "")
            out.append(f"| {r.what} | {r.figure.write(results.median(r.benchmark, r.figure))} | {goal[0]} | {why} |")
    return "\n".join(out)


def table(results, part):
    rows = [text for text in (row(results, r) for r in part.rows) if text is not None]
    if rows:
        rows[:0] = ["| what | median | range | beside it | ratio | target | met |",
                    "| --- | ---: | ---: | ---: | ---: | ---: | --- |"]
    return "\n".join(rows)


def peers(results):
    """Ours beside what others' libraries make of the same workload."""
    out = ["| workload | troupe | CAF 0.17 | times ours | Asio | times ours |",
           "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for what, ours, figure, others in tables.PEERS:
        median = results.median(ours, figure)
        if median is None:
            continue
        cells = [what, figure.write(median)]
        for prefix, name in zip(("caf", "asio"), others):
            theirs = results.median(f"{prefix}/{name}", figure) if name else None
            ratio = None if theirs is None else theirs / median if figure.less_is_better else median / theirs
            cells += ["", ""] if theirs is None else [figure.write(theirs), f"{ratio:.1f}"]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out)


def instructions():
    """The committed counts; nothing is run for them."""
    file = HERE / "instructions.txt"
    if not file.exists():
        return ""
    rows = [line.split() for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return "\n".join(["| one of | instructions |", "| --- | ---: |",
                      *(f"| {name.replace('_', ' ')} | {int(count):,} |" for name, count in rows)])


def charts(results):
    """File name: chart."""
    def line(name, prefix, figure):
        points = [(int(key.rsplit("/", 1)[1]), results.median(key, figure)) for key in results.by_name
                  if key.rsplit("/", 1)[0] == prefix and key.rsplit("/", 1)[1].isdigit()]
        return name, sorted((x, y) for x, y in points if x > 0)

    per_second, ns = tables.PER_SECOND, tables.NS
    durable = [plot.Chart("Durable changes, synchronous = FULL", "callers, or rows a transaction", "per second", [
        line("troupe, callers who await their commit", "durable/actors", per_second),
        line("SQLite: upserts of random rows of a million", "durable/sqlite_upserts_of_a_million", per_second),
        line("SQLite: appends to a table", "durable/sqlite_log", per_second),
        line("file: append and fdatasync", "durable/raw_append", per_second)])]
    scaling = [
        plot.Chart("A call, one caller that goes round", "actors", "ns", [line("awaited call", "scaling/actors", ns)]),
        plot.Chart("A state that changes by a byte", "bytes of the state", "changes per second", [
            line("relaxed", "scaling/state/relaxed", per_second),
            line("committed, one caller", "scaling/state/committed", per_second),
            line("file: append and fdatasync", "scaling/state/raw_append", per_second)])]
    return {"performance-durable.svg": plot.svg(durable, width=640), "performance-scaling.svg": plot.svg(scaling)}


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def document(stored):
    results = Results(stored["programs"])
    out = [tables.INTRODUCTION.format(machine=f"{processor()}, {platform.system()} {platform.machine()}",
                                      date=stored["date"], rounds=stored["rounds"])]
    for part in tables.PARTS:
        if part.name == "peers":
            body = peers(results)
        elif part.name == "missed":
            body = missed(results)
        else:
            body = instructions() if part.name == "instructions" else table(results, part)
        if body.count("\n") > 1:
            out.append(f"## {part.heading}\n")
            out += [part.text + "\n"] if part.text else []
            out.append(body + "\n")
            out += [f"![{part.heading}]({part.plot})\n"] if part.plot else []
    return "\n".join(out), charts(results)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--part", action="append", choices=[part.name for part in tables.PARTS if part.programs])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", type=pathlib.Path, metavar="DOCS")
    parser.add_argument("--stored", action="store_true")
    chosen = parser.parse_args()

    file = chosen.folder / "report.json"
    stored = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"programs": {}}
    if not chosen.stored:
        parts = [part for part in tables.PARTS if chosen.part is None or part.name in chosen.part]
        if chosen.part is None:
            stored["programs"] = {}
        stored["programs"].update(measure(chosen.folder, parts, chosen.rounds))
        stored.update(date=str(datetime.date.today()), rounds=chosen.rounds)
        file.write_text(json.dumps(stored), encoding="utf-8")
    text, plots = document(stored)
    if chosen.write is None:
        print(text)
        return
    (chosen.write / "performance.md").write_text(text, encoding="utf-8")
    for name, content in plots.items():
        (chosen.write / name).write_text(content, encoding="utf-8")
    print(f"{chosen.write}/performance.md and {', '.join(plots)} are written", file=sys.stderr)


if __name__ == "__main__":
    main()
