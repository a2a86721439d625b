#!/usr/bin/env python3
"""Passes when a file does not compile, and says why in the words that the file asks for.

    check.py FILE COMPILER FLAG...

FILE begins with comments: `// expect: TEXT` (one or more; each must be in the compiler's output) and, if the output is
allowed to be long, `// lines_max: N`. A user's mistake should print ten lines and not two hundred. With `// where:
CONDITION` it is a mistake only where that holds, a condition for `#if`; elsewhere the file must compile.
"""
import re
import subprocess
import sys

LINES_MAX = 60

path, *compiler = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    head = re.match(r"(?:\s*//[^\n]*\n)*", file.read()).group()
expected = re.findall(r"^// expect: *(.*?) *$", head, re.M)
limit = re.search(r"^// lines_max: *(\d+)", head, re.M)
lines_max = int(limit.group(1)) if limit else LINES_MAX
if not expected:
    sys.exit(f"{path}: begins with no `// expect: TEXT` line")

where = re.search(r"^// where: *(.*?) *$", head, re.M)
is_mistake = True
if where:
    probe = f"#if {where.group(1)}\nit_holds\n#endif\n"
    command = [compiler[0], "-E", "-x", "c++", "-"]
    is_mistake = "it_holds" in subprocess.run(command, input=probe, capture_output=True, text=True, check=True).stdout

run = subprocess.run([*compiler, "-fsyntax-only", path], capture_output=True, text=True, errors="replace")
output = run.stdout + run.stderr
lines = output.count("\n")

if not is_mistake:
    print(f"{path}: it must compile here, since this does not hold: {where.group(1)}")
    print(output)
    sys.exit(run.returncode != 0)

faults = []
if run.returncode == 0:
    faults.append("it compiles, and must not")
faults += [f"the diagnostics do not say: {text}" for text in expected if text not in output]
if lines > lines_max:
    faults.append(f"{lines} lines of diagnostics, {lines_max} allowed")

print(f"{path}: {lines} lines of diagnostics")
if faults:
    print(*faults, "the compiler said:", output, sep="\n")
sys.exit(bool(faults))
