"""What the report consists of."""


class Figure:
    """One number of a benchmark: how it is read, and how it is written."""

    def __init__(self, read, write, less_is_better=True):
        self.read, self.write, self.less_is_better = read, write, less_is_better


def rounded(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def per_item(unit, name):
    return Figure(lambda run: unit / run["items_per_second"], lambda value: f"{rounded(value)} {name}")


def counter(key, unit):
    return Figure(lambda run: run[key], lambda value: f"{rounded(value)} {unit}")


NS, US, MS_A_MILLION = per_item(1e9, "ns"), per_item(1e6, "µs"), per_item(1e9, "ms")
PER_SECOND = Figure(lambda run: run["items_per_second"],
                    lambda value: f"{value / 1e6:.3g} M/s" if value >= 1e6 else f"{value:,.0f}/s", less_is_better=False)
P50, P99, P999, MAX = (counter(f"{key}_us", "µs") for key in ("p50", "p99", "p999", "max"))
BYTES, PERCENT = counter("bytes_each", "bytes"), counter("committer_percent", "%")
VALUE_NS, VALUE_BYTES = counter("value", "ns"), counter("value", "bytes")
VALUE_MS, VALUE_S = counter("value", "ms"), counter("value", "s")
CPU_NS = Figure(lambda run: run["real_time"], lambda value: f"{rounded(value)} ns")


class Row:
    """`target`: at most if positive, at least if negative; as a factor of what stands beside if `relative`."""

    def __init__(self, what, benchmark, figure, target=None, beside=None, relative=False, figure_beside=None):
        self.what, self.benchmark, self.figure, self.target = what, benchmark, figure, target
        self.beside, self.relative, self.figure_beside = beside, relative, figure_beside or figure


class Part:
    """A heading, the programs whose results it needs, and its rows. `once`: of those programs one run is enough."""

    def __init__(self, name, heading, programs, rows=(), text="", plot=None, once=False):
        self.name, self.heading, self.programs, self.rows = name, heading, programs, rows
        self.text, self.plot, self.once = text, plot, once


LABELS = {
    "durable/sqlite_upserts_of_a_million": "SQLite, upserts of a million",
    "durable/sqlite_upserts": "SQLite, upserts",
    "durable/sqlite_log": "SQLite, appends",
    "durable/sqlite_creates": "SQLite, new rows",
    "durable/raw_append": "append, fdatasync",
    "scaling/state/raw_append": "append, fdatasync",
    "scaling/workers/calls": "one worker",
    "scaling/workers/committed": "one worker",
    "scaling/actors": "one actor",
    "scaling/history": "a new file",
    "latency/disk": "append, fdatasync",
    "encode_tree": "a tree",
    "decode_tree": "a tree",
    "compile/header": "the header",
    "compile/definitions": "defined",
}


def label(benchmark):
    """How a baseline is called where it stands beside."""
    known = LABELS.get(benchmark) or LABELS.get(benchmark.rsplit("/", 1)[0])
    return known or benchmark.removeprefix("baseline/").split("/")[0].replace("_", " ")


INTRODUCTION = """# Performance

Written by `cmake --preset release && cmake --build --preset release --target bench_report`. The programs are in
`tests/bench`; `tests/bench/report.py build/release/tests/bench --part durable` measures a part, for which
`--help` has the names.

{machine}, {date}. Medians of {rounds} rounds, wall clock; each round runs all programs, one after the
other. What has no range was measured once. Figures of different runs do not compare: look at what stands beside, which
is measured in the same run.
"""

# Of rows that may miss their target: what stands in the way, as far as it is known.
WHY = {
    "`relaxed` actor, plain action":
        "four instructions more than the first row, which meets the target. Rounds lie on both sides of it.",
    "the same, coroutine action":
        "some 400 instructions: the frame's memory takes 38 of them, the turn of a coroutine some 190. Rounds lie "
        "on both sides of the target.",
    "by key, one of a million, cold":
        "two accesses, one after the other, to memory that is in no cache: the table's bucket, then the actor. The "
        "row below is the memory alone, without anything to do: the nearest that can be reached here. The map behind "
        "a mutex waits for as much.",
    "find one by key and call it":
        "the same, and the state in its own memory besides: three accesses.",
    "ping-pong, a round of two posts":
        "two posts in bulk take twice what `post 128` takes above: a change of actor that cost nothing would just "
        "about reach the target. It costs some 150 instructions of the 420 a post (callgrind on this benchmark), and "
        "makes six locked ones a round: each post is counted in, and its mailbox taken and let go. The fastest "
        "rounds, 61 to 67 ns, are the nearest reached.",
    "one producer, at most 1,024 under way":
        "no line is passed: the actor runs on the producer's thread when that waits. So it is `post 1,024, then run "
        "them` above, with a call and a change of coroutine for every 1,024: that row is the nearest that can be "
        "reached.",
    "two producers, at most 1,024 each under way":
        "two threads that do to the mailbox's line what a post does to it, and nothing else, reach what stands "
        "beside it. And the two wait for each other: a fifth of the time goes to falling asleep and being woken, "
        "with 1.3 cores busy (perf on this benchmark). Workers that look for work eight times longer first change "
        "nothing here, and make `when_all` up to a fifth slower. One thread does more alone: the row above. The "
        "fastest rounds, 26 M/s, are the nearest reached.",
    "two threads hammer one actor with `get()`":
        "the line that both want: the bare mutex beside it has that, too.",
    "first call of a new key":
        "some 1,600 instructions (callgrind on this benchmark): 270 for the table and room in it, 170 for what "
        "finds and hashes the key, 210 for the actor's beginning, 160 for its locks; and the memory of the cell, "
        "which is new to the caches. Rounds lie on both sides of the target.",
    "memory of an actor that is awake":
        "176 bytes of the cell, its key included, and of the live copy; the rest is its place in the table.",
    "skynet, scaled to a million leaves: actors":
        "some 3,800 instructions an actor (callgrind on this benchmark), of which 700 write its key as text, 1,600 "
        "are the row `first call of a new key`, and the rest a call that waits for ten others, in turns. New keys "
        "alone, on two workers, would take half of that row, and most of the target. The fastest rounds, 340 to 360 "
        "ms, are the nearest reached.",
    "skynet, scaled to a million leaves: tasks":
        "a task of the tree is a frame, an await and a branch of a join; rounds lie on both sides of the target.",
    "memory of one that is awake, its handle and timer included":
        "beside the cell and the live copy: 256 bytes for what is to be committed and for connections and queues, "
        "112 for what was committed last, 136 for the state in it, with which the next is compared, 96 for the text "
        "in the live copy, 96 for the handle's address, the key again, two tables, and the store's log, which has a "
        "bound. What is there twice, the key and the state, is some 250 of them: without it the nearest would be "
        "800.",
    "creation, 1,024 at a time":
        "a new row takes SQLite some 15,400 instructions for its three trees, eight rows to a statement; the "
        "look-up of its key before it 6,800; the runtime 7,600 (callgrind). The crowd is looked for first and then "
        "committed, mostly one after the other, and every ten crowds or so a checkpoint takes 13 ms. SQLite alone, "
        "which looks for nothing, stands beside it.",
    "1 caller":
        "one `fdatasync` a call: the disk's own figure stands beside it, and changes from run to run.",
    "longest":
        "half of the highest rate is more than half when the machine or its disk slows down: then what has become "
        "due waits. The disk's own longest `fdatasync` stands beside it.",
    "one actor, one call":
        "the header, above it; two thirds of what the compiler reads for that are the standard library's.",
}

# What, our benchmark, figure, the same of CAF, the same of Asio.
PEERS = [
    ("awaited call, plain action", "call/plain/1", NS, ("call/plain/1", "call/plain")),
    ("awaited call, coroutine action (`co_spawn` on a strand)", "call/coroutine_action/1", NS,
     (None, "call/coroutine_action")),
    ("1,000 actors in turn", "call/plain/1000", NS, ("call/plain/1000", None)),
    ("blocking call from a plain thread", "call/from_thread", NS, ("call/from_thread", None)),
    ("post, then run it; one thread", "queue/post_and_run/1", NS, (None, "queue/post_and_run/1")),
    ("post 128, then run them", "queue/post_and_run/128", NS, (None, "queue/post_and_run/128")),
    ("ping-pong, a round of two messages", "queue/ping_pong", NS, ("queue/ping_pong", "queue/ping_pong")),
    ("one producer, at most 1,024 under way", "queue/fan_in/1", PER_SECOND, ("queue/fan_in/1", None)),
    ("two producers, at most 1,024 each under way", "queue/fan_in/2", PER_SECOND, ("queue/fan_in/2", None)),
    ("a new actor and its first message", "lifecycle/spawn/100000", NS, ("lifecycle/spawn/100000", None)),
    ("its memory", "lifecycle/spawn/100000", BYTES, ("lifecycle/spawn/100000", None)),
    ("skynet, scaled to a million leaves", "skynet/actors/10000", MS_A_MILLION, ("skynet/actors/10000", None)),
]

CROWDS = (1, 64, 256, 1024, 4096)
DURABLE_TARGETS = {1: -5e3, 64: -130e3, 256: -300e3, 1024: -450e3, 4096: -500e3}
SIZES = ((100, "100 B"), (1 << 10, "1 KiB"), (10 << 10, "10 KiB"), (100 << 10, "100 KiB"), (1 << 20, "1 MiB"))


def callers(count):
    return f"{count:,} caller{'s' * (count > 1)}"


def durable_rows():
    for count in CROWDS:
        name = f"durable/actors/{count}"
        yield Row(callers(count), name, PER_SECOND, DURABLE_TARGETS[count], f"durable/raw_append/{count}")
        yield Row(f"{callers(count)}, p50", name, P50, None, f"durable/raw_append/{count}")
        yield Row(f"{callers(count)}, p99", name, P99, None, f"durable/raw_append/{count}")
    for count in CROWDS:
        log = f"durable/sqlite_log/{count}"
        rows = f"{count:,} row{'s' * (count > 1)} a transaction, SQLite"
        yield Row(f"{rows}, appends to a table", log, PER_SECOND, None,
                  f"durable/raw_append/{count}")
        yield Row(f"{rows}, the same upserted", f"durable/sqlite_upserts/{count}",
                  PER_SECOND, None, log)
        yield Row(f"{rows}, random ones of a million upserted",
                  f"durable/sqlite_upserts_of_a_million/{count}", PER_SECOND, None, log)
    yield Row("one blocking caller, p50", "durable/blocking_caller", P50, 1.6, "durable/raw_append/1", relative=True)
    yield Row("creation, 1,024 at a time", "durable/create/1024", PER_SECOND, -150e3, "durable/sqlite_creates/1024")
    yield Row("1,000 hot `relaxed` actors, two callers", "relaxed/hot", PER_SECOND, -10e6)
    yield Row("the committer's share of a core meanwhile", "relaxed/hot", PERCENT, 30)


def scaling_rows():
    for kind, what in (("calls", "coroutine actions, 8 callers"), ("committed", "committed calls, 1,024 callers")):
        yield Row(f"{what}, 1 worker", f"scaling/workers/{kind}/1", PER_SECOND)
        yield Row(f"{what}, 2 workers", f"scaling/workers/{kind}/2", PER_SECOND, None, f"scaling/workers/{kind}/1")
    for count in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000):
        yield Row(f"awaited call, {count:,} actor{'s' * (count > 1)} in turn", f"scaling/actors/{count}", NS, None,
                  "scaling/actors/1" if count > 1 else None)
    for size, what in SIZES:
        yield Row(f"`committed` state of {what}, a byte changed, one caller", f"scaling/state/committed/{size}",
                  PER_SECOND, None, f"scaling/state/raw_append/{size}")
    for size, what in SIZES:
        yield Row(f"`relaxed` state of {what}, a byte changed", f"scaling/state/relaxed/{size}", PER_SECOND)
    for count in (0, 100_000, 1_000_000):
        yield Row(f"64 callers after {count:,} commits of others' changes" if count else "64 callers, a new file",
                  f"scaling/history/{count}", PER_SECOND, None, "scaling/history/0" if count else None)


MESSAGE_ROWS = [
    *(Row(f"from outside, {senders:,} sender{'s' * (senders > 1)}, `committed`",
          f"message/from_outside/committed/{senders}", PER_SECOND, None, f"baseline/table_by_hand/{rows}")
      for senders, rows in ((1, 1), (64, 64), (1024, 1000))),
    Row("from outside, 64 senders, `relaxed`", "message/from_outside/relaxed/64", PER_SECOND, None,
        "baseline/table_by_hand/64"),
    Row("from outside, 64 senders, `ephemeral`", "message/from_outside/ephemeral/64", PER_SECOND),
    Row("between actors, one a turn, `committed`", "message/between_actors/committed/1", PER_SECOND, None,
        "baseline/table_by_hand/1"),
    Row("between actors, 1,000 a turn, `committed`", "message/between_actors/committed/1000", PER_SECOND, None,
        "baseline/table_by_hand/1000"),
    Row("between actors, 1,000 a turn, `relaxed`", "message/between_actors/relaxed/1000", PER_SECOND, None,
        "baseline/table_by_hand/1000"),
    *(Row(f"a {what}, {'1 % of the messages fail' if share else 'no message fails'}", f"message/failing/{kind}/{share}",
          PER_SECOND, None, f"message/failing/{kind}/0" if share else None)
      for kind, what in (("handler", "handler"), ("loop", "run loop")) for share in (0, 1)),
]

CAS, FRAME, MALLOC, MAP, MUTEX = (
    f"baseline/{name}" for name in ("cas_pair", "recycled_frame", "malloc_free", "map_of_a_million", "mutex"))
CONTENDED = "baseline/mutex_contended/threads:2"
LINE = "baseline/mailbox_line/threads:2"
FAN_OUT, LOCKED = "baseline/fan_out_by_hand/10000", "baseline/locked_queue/1"

PARTS = [
    Part("calls", "Calls of actors in memory", ["bench_call"], [
        Row("awaited call, idle actor, plain action", "call/plain/1", NS, 15, CAS),
        Row("the same, const action", "call/const/1", NS, 15, CAS),
        Row("the same, coroutine action", "call/coroutine_action/1", NS, 35, FRAME),
        Row("1,000 actors in turn", "call/plain/1000", NS, 20, CAS),
        Row("1,000,000 actors in turn", "call/plain/1000000", NS, None, CAS),
        Row("1,000 actors in turn, coroutine action", "call/coroutine_action/1000", NS, None, FRAME),
        Row("from a plain thread, `get()`", "call/from_thread", NS, 25, MUTEX),
        Row("`relaxed` actor, plain action", "call/relaxed_plain/1", NS, 15, CAS),
        Row("`committed` actor, const action", "call/committed_const/1", NS, 15, CAS),
        Row("by key, one of a million, cold", "call/by_key_of_a_million", NS, 300, MAP),
        Row("the memory that it waits for: two lines, one after the other", "baseline/two_cold_lines", NS),
        Row("actor to actor", "call/actor_to_actor", NS, 55, CAS),
        Row("awaiting an empty `task`", "baseline/troupe_task", NS, None, FRAME),
    ]),
    Part("queues", "Messages that queue", ["bench_call"], [
        Row("post to an idle actor, then run it; one thread", "queue/post_and_run/1", NS, None, MALLOC),
        Row("post 128, then run them", "queue/post_and_run/128", NS, 60, MALLOC),
        Row("post 1,024, then run them", "queue/post_and_run/1024", NS, 60, MALLOC),
        Row("`when_all` of 256 calls of one actor, each", "queue/when_all/256/1", NS, None, MALLOC),
        Row("`when_all` of 256 calls of 256 actors, each", "queue/when_all/256/256", NS, None, MALLOC),
        Row("ping-pong, a round of two posts", "queue/ping_pong", NS, 55, CAS),
        Row("one producer, at most 1,024 under way", "queue/fan_in/1", PER_SECOND, -45e6),
        Row("two producers, at most 1,024 each under way", "queue/fan_in/2", PER_SECOND, -45e6, LINE),
        Row("two coroutines hammer one actor", "queue/contended", NS, 60, CONTENDED),
        Row("two threads hammer one actor with `get()`", "queue/contended_threads/threads:2", NS, 60, CONTENDED),
    ]),
    Part("peers", "Beside others", ["bench_call", "bench_lifecycle", "bench_caf", "bench_asio"], text=(
        "The same workloads on Debian's CAF and Asio. Our actors are `ephemeral`, with keys and time-outs; theirs "
        "have neither. "
        "CI fails if an awaited call is not 20 times faster than CAF's and 5 times faster than a post to an Asio "
        "strand whose answer is posted back (`tests/bench/ratios.py build/release/tests/bench`).")),
    Part("lifecycle", "Coming and going", ["bench_lifecycle"], [
        Row("first call of a new key", "lifecycle/spawn/100000", NS, 350),
        Row("memory of an actor that is awake", "lifecycle/spawn/100000", BYTES, 216),
        Row("wake, memory store", "lifecycle/wake/memory", US),
        Row("wake, SQLite, row cached", "lifecycle/wake/sqlite", US, 12),
        Row("skynet, scaled to a million leaves: actors", "skynet/actors/10000", MS_A_MILLION, 200),
        Row("skynet, scaled to a million leaves: tasks", "skynet/tasks/100000", MS_A_MILLION, 30),
    ]),
    Part("million", "A million actors in one database", ["bench_million"], [
        Row("make one, `relaxed`", "million/make", VALUE_NS),
        Row("its first save, SQLite", "million/first_save", VALUE_NS),
        Row("memory of one that is awake, its handle and timer included", "million/bytes_awake", VALUE_BYTES, 352),
        Row("the same, as the system counts, and SQLite's cache", "million/resident_bytes_awake", VALUE_BYTES),
        Row("find one by key and call it", "million/find", VALUE_NS, 300),
        Row("a turn of the clock, a million deadlines ahead", "million/tick", VALUE_NS),
        Row("put one to sleep, all at their deadline", "million/sleep", VALUE_NS),
        Row("memory of one that sleeps and is held", "million/bytes_asleep", VALUE_BYTES),
        Row("wake one, all one after the other", "million/wake", VALUE_NS, 12_000),
        Row("memory of one that nobody holds", "million/bytes_not_held", VALUE_BYTES),
        Row("files, over the 120 bytes of the state, each", "million/bytes_on_disk_over_state", VALUE_BYTES, 220),
        Row("open, until the first call is answered", "million/open_ms", VALUE_MS, 1_000),
        Row("files of a process that was killed while it wrote, each", "million/bytes_on_disk_when_killed",
            VALUE_BYTES),
        Row("open after that", "million/recovery_ms", VALUE_MS, 3_000),
    ], text="One thread; the clock stands still until it is moved. `bench_million` prints these.", once=True),
    Part("durable", "Durable, `synchronous = FULL`, 120-byte states that change", ["bench_commit"],
         list(durable_rows()), plot="performance-durable.svg"),
    Part("latency", "Latency under load", ["bench_latency"], [
        Row("p50", "latency/half_load", P50, None, "latency/disk"),
        Row("p99", "latency/half_load", P99, None, "latency/disk"),
        Row("p99.9", "latency/half_load", P999, None, "latency/disk"),
        Row("longest", "latency/half_load", MAX, 50_000, "latency/disk"),
        Row("calls", "latency/half_load", PER_SECOND),
    ], text=("Committed calls of 1,024 actors at half of the highest rate. They come when they are due, whether or\n"
             "not others have been answered, and their time counts from then.")),
    Part("messages", "Queues, until a message is handled and acknowledged; on disk with `synchronous = FULL`",
         ["bench_message"], MESSAGE_ROWS, text=(
             "In the last rows one message of a hundred fails in all of its three attempts, and becomes a dead letter.\n"
             "That takes the time of ten messages that are handled: some 110,000 instructions, of which 42,000 are the\n"
             "unwinder's, for the handler's three throws (callgrind, one thread, memory store).")),
    Part("events", "Connections and events", ["bench_event"], [
        Row("broadcast to 10,000 connections, each, `relaxed`", "event/broadcast/relaxed/10000", PER_SECOND, None,
            FAN_OUT),
        Row("the same, `committed`", "event/broadcast/committed/10000", PER_SECOND, None, FAN_OUT),
        Row("events to one connection, `relaxed`", "event/to_one/relaxed", PER_SECOND, None, LOCKED),
        Row("the same, `committed`", "event/to_one/committed", PER_SECOND, None, LOCKED),
        Row("the same, `relaxed`, awaited one by one", "event/to_one/stream", PER_SECOND, None, LOCKED),
        Row("a call that broadcasts to nobody", "event/to_nobody", PER_SECOND),
        Row("connect and close", "event/connect_and_close", PER_SECOND),
        Row("memory of a connection with a subscription", "event/memory", BYTES),
    ]),
    Part("scaling", "Scaling", ["bench_scaling"], list(scaling_rows()), plot="performance-scaling.svg"),
    Part("codec", "Encoding a struct of six fields", ["bench_codec"], [
        Row("encode", "encode_direct", CPU_NS, 200, "encode_tree"),
        Row("decode", "decode_direct", CPU_NS, 180, "decode_tree"),
    ], text="Beside a tree of nlohmann/json that is turned into the same bytes."),
    Part("simulation", "Simulation, one thread", ["bench_simulation"], [
        Row("`advance(24h)`, all asleep", "simulation/day/0", US),
        Row("the same, 100 actors that go to sleep", "simulation/day/100", US),
        Row("pieces of work of ten callers, `committed`", "simulation/steps", PER_SECOND),
        Row("seeds of 10 s with all faults", "simulation/seeds", PER_SECOND),
        Row("call, commit, crash and start", "simulation/crash", US),
    ], once=True),
    Part("compile", "Compiling with g++ at -O0", ["compile_time"], [
        Row("`troupe/troupe.hpp` alone", "compile/header", VALUE_S),
        Row("one actor, one call", "compile/one_actor", VALUE_S, 1.5),
        Row("20 actors x 8 actions, defined", "compile/definitions", VALUE_S, None, "compile/header"),
        Row("the same, served", "compile/served", VALUE_S, None, "compile/definitions"),
        Row("the same, not served, 160 calls", "compile/calls", VALUE_S, None, "compile/definitions"),
        Row("the same, served, 160 calls", "compile/twenty_actors", VALUE_S, 10, "compile/header"),
    ], text="`tests/bench/compile_time.py g++ -Iinclude` prints these.", once=True),
    Part("instructions", "Instructions", [], text=(
        "Counted by valgrind, and repeatable: g++ 12 for x86-64, memory store, one thread. CI fails if one grows by "
        "more than 5 % (`tests/bench/instructions.py build/release/tests/bench/bench_instructions`).")),
    Part("missed", "Targets that were missed", [], text=(
        "What stands in the way, as far as it is known. The targets are those that the project has set itself; most are\n"
        "what a library reaches that does nothing else.")),
]
