#!/usr/bin/env python3
"""How long a translation unit takes that includes troupe/troupe.hpp and has one actor: the median of five.

    compile_time.py COMPILER FLAG...        the flags that find the headers
"""
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 5
UNIT = """
#include <troupe/troupe.hpp>

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


def compile_seconds(command):
    start = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - start


with tempfile.TemporaryDirectory() as folder:
    unit = f"{folder}/unit.cpp"
    with open(unit, "w", encoding="utf-8") as file:
        file.write(UNIT)
    command = [*sys.argv[1:], "-std=c++20", "-O0", "-c", unit, "-o", f"{folder}/unit.o"]
    try:
        seconds = sorted(compile_seconds(command) for _ in range(RUNS))
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)

print(f"one actor with troupe/troupe.hpp, {sys.argv[1]} -O0: {statistics.median(seconds):.2f} s "
      f"(median of {RUNS}; {seconds[0]:.2f} to {seconds[-1]:.2f})")
