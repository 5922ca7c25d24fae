"""Stream operators for Alluvium in a few lines.

An operator turns records into state, and state into results. It runs as a WebAssembly component in a sandbox of its
own. The host keeps its state in checkpoints: after a crash it continues as if nothing had happened, and what it emits
is shown exactly once.

    from alluvium_plugin import Row, Time, Tumbling, export, hours


    class Weather(Row):
        origin: str
        time_hour: Time
        temp: float | None


    days = Tumbling.hours(24).lateness(hours(1))
    weather = days.by(Weather, lambda it: it.origin).mean(lambda it: it.temp)
    Operator, Timed = export(weather)

- `Row` reads records by the names of their columns.
- `Tumbling`, `Sliding` and `Session` are windows by event time, each with allowed lateness.
- `Deduplicate`, `IntervalJoin` and `TableJoin` are operators that are ready, and `top` of windows finds the most
  frequent items.
- `Map`, `Value`, `List` and `Counter` are keyed state for an `Operator` of your own. They read through a cache that
  lives for one batch, so a batch costs one read and one write. `OrderedMap` has ranges, and `Merged` changes without
  being read.
- `Harness` tests an operator without WebAssembly.
- `export` makes a component of it. Build it with `python3 -m alluvium_plugin build weather.py`.
"""

from .aggregates import Aggregate, Count, Fold, Max, Mean, Min, Sum
from .batches import Batch, ColumnBatch, RecordBatch
from .code import Code
from .context import Context
from .deduplicate import Deduplicate
from .description import Clock, Description, Format, Hashed, Merge, Namespace, Ordered, Parameter, Port, Timers
from .export import export
from .harness import Harness
from .host import Entry, Host, Level
from .interval import IntervalJoin
from .json_text import to_json
from .keys import Keys, key_bytes
from .merged import Add, Append, Greatest, Least, Merged, Union
from .merges import set_bytes, set_elements
from .operator import Operator
from .ordered import OrderedMap
from .records import JsonRecords
from .refused import Refused
from .rows import Row, Rows, column
from .state import Counter, List, Map, Value
from .table import Table
from .table_join import TableJoin
from .times import Time, hours, milliseconds, minutes, seconds
from .top import Top
from .typed import Codec
from .unsigned import Unsigned
from .windows import Session, Sliding, Tumbling, Window, Windowed

__all__ = [
    "Add",
    "Aggregate",
    "Append",
    "Batch",
    "Clock",
    "Code",
    "Codec",
    "ColumnBatch",
    "Context",
    "Count",
    "Counter",
    "Deduplicate",
    "Description",
    "Entry",
    "Fold",
    "Format",
    "Greatest",
    "Harness",
    "Hashed",
    "Host",
    "IntervalJoin",
    "JsonRecords",
    "Keys",
    "Least",
    "Level",
    "List",
    "Map",
    "Max",
    "Mean",
    "Merge",
    "Merged",
    "Min",
    "Namespace",
    "Operator",
    "Ordered",
    "OrderedMap",
    "Parameter",
    "Port",
    "RecordBatch",
    "Refused",
    "Row",
    "Rows",
    "Session",
    "Sliding",
    "Sum",
    "Table",
    "TableJoin",
    "Time",
    "Timers",
    "Top",
    "Tumbling",
    "Union",
    "Unsigned",
    "Value",
    "Window",
    "Windowed",
    "column",
    "export",
    "hours",
    "key_bytes",
    "milliseconds",
    "minutes",
    "seconds",
    "set_bytes",
    "set_elements",
    "to_json",
]
