"""The same aggregation in Alluvium, Flink and Bytewax, in turns: CPU for each record, and the time to the first new
record after a kill. `make bench-streams` runs this; rows and pictures go to target/bench."""

import argparse
import json
import random
import tempfile
from pathlib import Path
from statistics import median

from engines import Alluvium, Bytewax, Engine, Flink
from flights import named, write
from pictures import bars

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--alluvium", type=Path, required=True, help="the command")
parser.add_argument("--plugin", type=Path, required=True, help="the component delays.wasm")
parser.add_argument("--installed", type=Path, required=True, help="where install.sh has put the others")
parser.add_argument("--out", type=Path, required=True, help="where report and pictures go")
parser.add_argument("--records", type=int, default=6_000_000, help="records of a long run (Bytewax reads a sixth)")
parser.add_argument("--short", type=int, default=200_000, help="records of a short run")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--interval-ms", type=int, default=1000, help="between checkpoints, whole seconds")
parser.add_argument("--seed", type=int, default=1, help="chooses the moments of the kills")
options = parser.parse_args()

#: The goals, and what each row is.
GOALS = {
    "stream_cpu_vs_flink": (10, "CPU of a record in Flink against one in Alluvium"),
    "stream_cpu_vs_bytewax": (15, "CPU of a record in Bytewax against one in Alluvium"),
    "stream_restart_vs_flink": (20, "from the start of a process to its first new record, after a kill"),
}


def long(engine: Engine) -> int:
    """Returns how many records a long run has. Bytewax is so slow that fewer do."""
    return options.records // (6 if engine.name == "bytewax" else 1)


def turn(engine: Engine, count: int) -> dict:
    """Runs over `count` records and holds the sums to those that were computed apart."""
    finished = engine.run(named(path, count))
    if engine.sums() != expected[count]:
        raise SystemExit(f"{engine.name} has other sums after {count} records")
    print(f"{engine.name:<18} {count:>9} records  {finished.cpu_s:8.2f} s of CPU  {finished.wall_s:8.2f} s", flush=True)
    return {"cpu_s": finished.cpu_s, "wall_s": finished.wall_s}


def restart(engine: Engine) -> float:
    """Kills a long run after its third checkpoint, and starts it again."""
    stream = named(path, long(engine))
    engine.kill(stream, 3, moments.random() * options.interval_ms / 1000)
    took = engine.restart_s(stream)
    print(f"{engine.name:<18} first new record after {took * 1000:.0f} ms", flush=True)
    return took


def row(name: str, engine: Engine, value: float, unit: str) -> dict:
    """Returns a row of the report."""
    goal, what = GOALS.get(name, (None, ""))
    suffix = "" if engine.name == "alluvium" else f"_{engine.name.removeprefix('alluvium ')}"
    return {"name": name + suffix, "value": round(value, 2), "unit": unit, "goal": goal, "what": what}


moments = random.Random(options.seed)
options.out.mkdir(parents=True, exist_ok=True)
with tempfile.TemporaryDirectory(dir=options.out, prefix="streams-") as folder:
    scratch = Path(folder).resolve()
    others = [engine(scratch, options.interval_ms, options.installed.resolve()) for engine in (Flink, Bytewax)]
    ours = [Alluvium(scratch, options.interval_ms, options.alluvium.resolve(), options.plugin.resolve(), kind) for kind in ("component", "native")]
    engines = [*ours, *others]
    path = scratch / "flights"
    expected = write(path, sorted({options.short, *map(long, engines)}))
    runs = {engine.name: {"short": [], "long": [], "restart": []} for engine in engines}
    for _ in range(options.rounds):
        for engine in engines:
            runs[engine.name]["short"].append(turn(engine, options.short))
            runs[engine.name]["long"].append(turn(engine, long(engine)))
            runs[engine.name]["restart"].append(restart(engine))

flink, bytewax = others


def figure(engine: Engine, which: str, what: str) -> float:
    """Returns the median of a figure over the rounds."""
    return median(run[what] for run in runs[engine.name][which])


#: Nanoseconds of CPU for each record beyond the short run, which leaves out what a start costs.
cpu_ns = {engine.name: (figure(engine, "long", "cpu_s") - figure(engine, "short", "cpu_s")) / (long(engine) - options.short) * 1e9 for engine in engines}
restart_ms = {engine.name: median(runs[engine.name]["restart"]) * 1000 for engine in engines}
rows = []
for engine in ours:
    for name, against in (("stream_cpu_vs_flink", flink), ("stream_cpu_vs_bytewax", bytewax)):
        rows.append(row(name, engine, cpu_ns[against.name] / cpu_ns[engine.name], "times"))
    rows.append(row("stream_restart_vs_flink", engine, restart_ms[flink.name] / restart_ms[engine.name], "times"))
for engine in engines:
    name = engine.name.replace(" ", "_")
    rows.append({"name": f"{name}_cpu_ns", "value": round(cpu_ns[engine.name]), "unit": "ns", "goal": None, "what": "CPU of a record"})
    rows.append({"name": f"{name}_restart_ms", "value": round(restart_ms[engine.name]), "unit": "ms", "goal": None, "what": "from a start to the first new record"})
    rows.append({"name": f"{name}_start_cpu_s", "value": round(figure(engine, "short", "cpu_s"), 2), "unit": "s", "goal": None, "what": f"CPU of a whole run over {options.short} records"})
    rows.append({"name": f"{name}_per_second", "value": round((long(engine) - options.short) / (figure(engine, "long", "wall_s") - figure(engine, "short", "wall_s"))), "unit": "records/s", "goal": None, "what": "records a second"})
print()
for each in rows:
    goal = f"  (goal {each['goal']})" if each["goal"] else ""
    print(f"{each['name']:<32} {each['value']:>12,} {each['unit']}{goal}")
report = options.out / "streams-report.json"
report.write_text(json.dumps({"records": options.records, "rounds": options.rounds, "interval_ms": options.interval_ms, "rows": rows}, indent=2) + "\n")
pictures = [
    bars(options.out / "streams-cpu.svg", "CPU of a record, in nanoseconds (less is better)", cpu_ns),
    bars(options.out / "streams-restart.svg", "From a start after a kill to the first new record, in milliseconds (less is better)", restart_ms),
]
print("", report, *pictures, sep="\n")
