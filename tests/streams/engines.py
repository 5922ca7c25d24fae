"""The stream processors that take turns. Each runs the same aggregation over a file in a process of its own."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass
class Finished:
    """What one run took: CPU of all its processes, and time on the clock, in seconds."""

    cpu_s: float
    wall_s: float


def waited(process: subprocess.Popen, begun: float, log: Path) -> Finished:
    """Waits for a process that must end well."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{process.args[0]} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
    return Finished(usage.ru_utime + usage.ru_stime, time.monotonic() - begun)


class Engine:
    """One stream processor. Its files are below `scratch`."""

    name: str

    def __init__(self, scratch: Path, interval_ms: int):
        self.scratch, self.interval_ms = scratch / self.name.replace(" ", "-"), interval_ms

    def command(self, stream: Path) -> list:
        """Returns the command that begins, or continues from the last checkpoint that there is."""
        raise NotImplementedError

    def environment(self, stream: Path) -> dict:
        """Returns the environment of the command."""
        return dict(os.environ)

    def clear(self) -> None:
        """Deletes what earlier runs left, and makes what the next one needs."""
        subprocess.run(["rm", "-rf", self.scratch], check=True)
        self.scratch.mkdir(parents=True)

    def begin(self, stream: Path, more: tuple = ()) -> subprocess.Popen:
        """Starts a process. Its standard output can be read."""
        with open(self.scratch / "log", "a") as log:
            return subprocess.Popen([*map(str, self.command(stream)), *more], stdout=subprocess.PIPE, stderr=log, env=self.environment(stream), cwd=self.scratch)

    def run(self, stream: Path) -> Finished:
        """Runs over the whole file."""
        self.clear()
        begun = time.monotonic()
        process = self.begin(stream)
        process.stdout.read()
        return waited(process, begun, self.scratch / "log")

    def checkpoints(self) -> int:
        """Returns how many checkpoints there were, as the directory tells it."""
        raise NotImplementedError

    def sums(self) -> dict[str, tuple]:
        """Returns what the last run wrote at the end of the stream."""
        found = {}
        for file in self.outputs():
            for line in file.read_text().splitlines():
                key, flights, cancelled, delay, worst = line.split(",")
                found[key] = (int(flights), int(cancelled), int(delay), int(worst) if worst else None)
        return found

    def outputs(self) -> list[Path]:
        """Returns the files that the run wrote."""
        return [self.scratch / "output"]

    def kill(self, stream: Path, least: int, more_s: float) -> None:
        """Runs until there are `least` checkpoints and `more_s` have passed, then kills the process with SIGKILL."""
        self.clear()
        process = self.begin(stream)
        while self.checkpoints() < least:
            if process.poll() is not None:
                raise SystemExit(f"{self.name} ended before it had {least} checkpoints: {(self.scratch / 'log').read_text()[-2000:]}")
            time.sleep(0.01)
        time.sleep(more_s)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode != -signal.SIGKILL:
            raise SystemExit(f"{self.name} ended before it was killed; a longer stream is needed")

    def restart_s(self, stream: Path) -> float:
        """Returns the seconds from the start of a process to the first new record in the state."""
        begun = time.monotonic()
        process = self.begin(stream)
        for line in process.stdout:
            if line.strip() == b"first record":
                took = time.monotonic() - begun
                process.kill()
                process.communicate()
                return took
        raise SystemExit(f"{self.name} did not continue: {(self.scratch / 'log').read_text()[-2000:]}")


class Alluvium(Engine):
    """The command, with one of its two engines."""

    def __init__(self, scratch: Path, interval_ms: int, command: Path, plugin: Path, engine: str):
        self.name = "alluvium" if engine == "component" else f"alluvium {engine}"
        super().__init__(scratch, interval_ms)
        self.program, self.plugin, self.engine = command, plugin, engine

    def command(self, stream: Path) -> list:
        options = ["--checkpoint-interval", self.interval_ms, "--checkpoint-every", 1 << 40, "--time-column", "", "--output", "output", "--json"]
        if self.engine != "component":
            options += ["--engine", self.engine]
        return [self.program, "run", self.plugin, "--dir", "state", "--input", stream, *options]

    def checkpoints(self) -> int:
        # The number of the newest checkpoint is in its name, in hexadecimal.
        names = (self.scratch / "state").glob("checkpoint_*/metadata.json")
        return max((int(name.parent.name.removeprefix("checkpoint_"), 16) for name in names), default=0)

    def sums(self) -> dict[str, tuple]:
        lines = map(json.loads, (self.scratch / "output").read_text().splitlines())
        return {line["key"]: (line["flights"], line["cancelled"], line["arr_delay_min"], line["worst_arr_delay_min"]) for line in lines}

    def restart_s(self, stream: Path) -> float:
        """As above. The process stops after one record, with a checkpoint of it: all of that counts, too."""
        begun = time.monotonic()
        process = self.begin(stream, ("--stop-after", "1"))
        process.stdout.read()
        return waited(process, begun, self.scratch / "log").wall_s


class Flink(Engine):
    """Flink in one process, with its state in RocksDB and incremental checkpoints."""

    name = "flink"

    def __init__(self, scratch: Path, interval_ms: int, installed: Path):
        super().__init__(scratch, interval_ms)
        jars = next(installed.glob("venv/lib/python3*/site-packages/pyflink/lib"))
        self.classes = f"{installed / 'classes'}:{jars}/*"

    def command(self, stream: Path) -> list:
        newest = max(self.kept(), key=self.number, default=None)
        where = [self.scratch / "checkpoints", self.scratch / "output"]
        continued = [] if newest is None else [newest]
        return ["java", "-Xmx1g", "--add-opens=java.base/java.util=ALL-UNNAMED", "-cp", self.classes, "Delays", stream, *where, self.interval_ms, *continued]

    def kept(self) -> list[Path]:
        """Returns the checkpoints that are whole."""
        return [found.parent for found in (self.scratch / "checkpoints").glob("*/chk-*/_metadata")]

    @staticmethod
    def number(checkpoint: Path) -> int:
        """Returns the number in the name of a checkpoint."""
        return int(checkpoint.name.removeprefix("chk-"))

    def checkpoints(self) -> int:
        return max(map(self.number, self.kept()), default=0)

    def outputs(self) -> list[Path]:
        return [file for file in (self.scratch / "output").rglob("*") if file.is_file() and "inprogress" not in file.name]


class Bytewax(Engine):
    """Bytewax with one worker and recovery."""

    name = "bytewax"

    def __init__(self, scratch: Path, interval_ms: int, installed: Path):
        super().__init__(scratch, interval_ms)
        self.python = installed / "venv/bin/python"

    def clear(self) -> None:
        super().clear()
        (self.scratch / "recovery").mkdir()
        subprocess.run([self.python, "-m", "bytewax.recovery", self.scratch / "recovery", "1"], check=True)

    def command(self, stream: Path) -> list:
        seconds = self.interval_ms // 1000
        return [self.python, "-m", "bytewax.run", f"{HERE / 'bytewax_delays.py'}:flow", "-r", "recovery", "-s", seconds, "-b", 0]

    def environment(self, stream: Path) -> dict:
        return {**os.environ, "INPUT": str(stream), "OUTPUT": str(self.scratch / "output")}

    def checkpoints(self) -> int:
        import sqlite3

        # The one partition of the recovery store. Each snapshot has the epoch that it belongs to.
        with sqlite3.connect(f"file:{self.scratch / 'recovery/part-0.sqlite3'}?mode=ro", uri=True) as store:
            return store.execute("select count(distinct snap_epoch) from snaps").fetchone()[0]
