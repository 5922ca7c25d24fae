"""Bars side by side, as SVG."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
# The ids in the file follow from this text, so that equal figures give equal bytes.
matplotlib.rcParams["svg.hashsalt"] = "alluvium"

import matplotlib.pyplot as plot  # noqa: E402


def bars(path: Path, title: str, values: dict[str, float]) -> Path:
    """Draws a bar for each name, with its value beside it. Returns the path."""
    figure, axes = plot.subplots(figsize=(8.6, 0.7 * len(values) + 1.4), layout="constrained")
    names = list(values)[::-1]
    drawn = axes.barh(names, [values[name] for name in names], color=["#0072b2" if name.startswith("alluvium") else "#d55e00" for name in names])
    axes.bar_label(drawn, labels=[f"{values[name]:,.0f}" for name in names], padding=4)
    axes.set_xlim(0, max(values.values()) * 1.2)
    axes.set_title(title, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plot.close(figure)
    return path
