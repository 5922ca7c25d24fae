"""A stream of flights as long as asked for, and the sums that a right answer must have."""

import gzip
from pathlib import Path

DATA = Path(__file__).parent.parent / "data" / "flights-2013-01.csv.gz"
#: How many copies of each carrier there are. With 307 routes in the data this gives about 100,000 keys.
COPIES = 330


def known(field: str) -> int | None:
    """Returns the number in a field, or none where the data has none."""
    return None if field in ("", "NA") else int(field)


def write(path: Path, counts: list[int]) -> dict[int, dict[str, tuple]]:
    """Writes `path`-N.csv for each count N, each a beginning of the same stream. Returns the sums after each N records.

    A sum is (flights, cancelled, sum of the delays, worst delay or None), by key.
    """
    with gzip.open(DATA, "rt") as data:
        header, *lines = data.read().splitlines()
    rows = []
    for line in lines:
        fields = line.split(",")
        before, after = ",".join(fields[:9]), ",".join(fields[10:])
        delay = known(fields[8])
        rows.append((before, fields[9], after, f":{fields[12]}-{fields[13]}", known(fields[3]) is None, delay))
    sums: dict[str, list] = {}
    files = {count: open(named(path, count), "w") for count in counts}
    for file in files.values():
        file.write(header + "\n")
    expected = {}
    at = 0
    for count in sorted(counts):
        while at < count:
            before, carrier, after, route, is_cancelled, delay = rows[at % len(rows)]
            # The multiplier is Knuth's; neighbours get copies that are far apart.
            name = f"{carrier}{(at * 2654435761 >> 8) % COPIES:03}"
            line = f"{before},{name},{after}\n"
            for file in files.values():
                file.write(line)
            total = sums.setdefault(name + route, [0, 0, 0, None])
            total[0] += 1
            total[1] += is_cancelled
            if delay is not None:
                total[2] += delay
                total[3] = delay if total[3] is None else max(total[3], delay)
            at += 1
        files.pop(count).close()
        expected[count] = {key: tuple(total) for key, total in sums.items()}
    return expected


def named(path: Path, count: int) -> Path:
    """Returns the file that has the first `count` records."""
    return path.with_name(f"{path.name}-{count}.csv")
