#!/usr/bin/env python3
"""How long translation units take that include troupe/troupe.hpp, at -O0, and what of them is dear.

    compile_time.py [--runs N] [--json | --guard] COMPILER FLAG...

The flags are those that find the headers; times are medians of N, by default 3. --guard measures only what has a
target, and fails at more than two and a half times that: machines differ.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

INCLUDE = "#include <troupe/troupe.hpp>\n"
ONE_ACTOR = """
struct counter {
  std::int64_t count = 0;
  std::int64_t increment(std::int64_t by) { return count += by; }
  std::int64_t value() const { return count; }
  using actor = troupe::actor<counter, &counter::increment, &counter::value>;
};

std::int64_t visit(troupe::client& client) {
  return client.get_or_create<counter>("home-page").call<&counter::increment>(1).get();
}
"""
ACTORS = 20
SLACK = 2.5
DEFINITION = """
struct account_@ {
  std::int64_t balance = 0;
  std::string owner;
  std::vector<std::int64_t> movements;
  void open(std::string who) { owner = std::move(who); }
  std::int64_t deposit(std::int64_t amount) { return movements.push_back(amount), balance += amount; }
  std::int64_t withdraw(std::int64_t amount) { return deposit(-amount); }
  std::int64_t total() const { return balance; }
  std::string name() const { return owner; }
  std::vector<std::int64_t> history() const { return movements; }
  troupe::task<std::int64_t> settle(std::int64_t amount) { co_return deposit(amount); }
  void close(troupe::context<account_@>& c) { c.destroy(); }
  using actor = troupe::actor<account_@, &account_@::open, &account_@::deposit, &account_@::withdraw, &account_@::total,
                              &account_@::name, &account_@::history, &account_@::settle, &account_@::close>;
};
"""
SERVED = 'void serve_@(troupe::registry& registry) { registry.use<account_@>("account_@"); }\n'
CALLS = """
troupe::task<std::int64_t> use_@(troupe::client client) {
  const auto h = client.get_or_create<account_@>("a");
  co_await h.call<&account_@::open>("Ada");
  co_await h.call<&account_@::deposit>(3);
  co_await h.call<&account_@::withdraw>(2);
  const auto owner = co_await h.call<&account_@::name>();
  const auto all = co_await h.call<&account_@::history>();
  co_await h.call<&account_@::settle>(-1);
  const auto total = co_await h.call<&account_@::total>();
  co_await h.call<&account_@::close>();
  co_return total + static_cast<std::int64_t>(owner.size() + all.size());
}
"""


def each(text):
    return "".join(text.replace("@", str(i)) for i in range(ACTORS))


DEFINED = INCLUDE + each(DEFINITION)
# Name, what, source, what is in it already, target.
UNITS = [
    ("header", "the header alone", INCLUDE, None, None),
    ("one_actor", "one actor, one call", INCLUDE + ONE_ACTOR, "header", 1.5),
    ("definitions", "20 actors x 8 actions", DEFINED, "header", None),
    ("served", "20 actors x 8 actions, served", DEFINED + each(SERVED), "definitions", None),
    ("calls", "20 actors x 8 actions, 160 calls", DEFINED + each(CALLS), "definitions", None),
    ("twenty_actors", "20 actors x 8 actions, served, 160 calls", DEFINED + each(SERVED) + each(CALLS), None, 10),
]


def compile_seconds(command):
    """Of the processor, so that what else it does is not in it."""
    before = os.times()
    subprocess.run(command, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def measure(compiler, units, runs):
    """Seconds by unit; the units in turns."""
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            for name, _, source, _, _ in units:
                unit = f"{folder}/{name}.cpp"
                with open(unit, "w", encoding="utf-8") as file:
                    file.write(source)
                command = [*compiler, "-std=c++20", "-O0", "-c", unit, "-o", f"{folder}/unit.o"]
                seconds.setdefault(name, []).append(compile_seconds(command))
    return seconds


def main():
    arguments = sys.argv[1:]
    runs = 3
    if arguments[:1] == ["--runs"]:
        runs, arguments = int(arguments[1]), arguments[2:]
    form = arguments.pop(0) if arguments[:1] in (["--json"], ["--guard"]) else None
    compiler = arguments or sys.exit(__doc__)
    units = [unit for unit in UNITS if form != "--guard" or unit[-1]]
    try:
        seconds = measure(compiler, units, runs)
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)
    if form == "--json":
        print(json.dumps({"benchmarks": [
            {"run_type": "iteration", "run_name": f"compile/{name}", "value": value}
            for name, values in seconds.items() for value in values]}))
        return
    median = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"{compiler[0]} -O0, medians of {runs}")
    for name, what, _, within, target in units:
        more = f"{median[name] - median[within]:+8.2f} s to {within}" if within in median else ""
        goal = f"   target {target:g} s" if target else ""
        print(f"{what:<42}{median[name]:7.2f} s{more}{goal}")
    if form == "--guard" and any(median[name] > SLACK * target for name, _, _, _, target in units):
        sys.exit(f"more than {SLACK} times the target: run without --guard to see what is dear")


if __name__ == "__main__":
    main()
