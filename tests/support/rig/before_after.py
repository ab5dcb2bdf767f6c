"""Pictures and figures of `host/by-volume.md`: the simulated heads at 100 uL/h and with boluses, by angle, then learned and by volume.

    PYTHONPATH=tests .venv/bin/python -m support.rig.before_after host/by-volume --figures figures.json

Each head is learned through its simulated balance, as `thecal calibrate --rotor` does it. Takes two minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

from support.rig.learning import LearningRig, learning_rig
from support.rig.trumpet import MINUTES, WindowError, window_errors

HEADS = {"sinus": "sinus", "dip20": "dip20", "dip35": "dip35,line=0s"}
LINE = {"dip35": "line=5s"}  # attached when the head is learned
SEED = 1
RATE_NL, RUN_S, SKIP_S, EVERY_MS = 100_000, 4_320, 120, 1_000
BOLUS_NL, BOLUSES = 20_000, 14
SMALL_NL, SMALL_RATE_NL = 5_000, 600_000
BY_ANGLE, BY_VOLUME = "by angle", "by volume"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--heads", nargs="+", choices=HEADS, default=list(HEADS))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--figures", type=Path, required=True, help="keep the figures in this file; with --again, draw them")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--limits", action="store_true", help="print where it helps less, and draw nothing")
    chosen = parser.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.limits:
        for head in chosen.heads:
            for line in limits(head, SEED):
                print(head, line, flush=True)
        return 0
    if chosen.again:
        found = json.loads(chosen.figures.read_text())
    else:
        with ProcessPoolExecutor(chosen.jobs) as pool:
            found = dict(zip(chosen.heads, pool.map(measured, chosen.heads, repeat(SEED)), strict=True))
        chosen.figures.write_text(json.dumps(found))
    draw(found, chosen.folder)
    for head, laws in found.items():
        for law, one in laws.items():
            print(head, law, {name: value for name, value in one.items() if name != "ahead_ul"}, file=sys.stderr)
    return 0


def measured(head: str, seed: int) -> dict[str, Any]:
    """Return what a head delivers, by angle and then by volume."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["THECAL_RUNTIME"] = name
        with learning_rig(Path(name), HEADS[head], seed) as rig:
            rig.calibrate()
            _attach(rig, head)
            plain = _delivered(rig)
            if head in LINE:
                rig.sim.alter_head("line=0s")
            begin_ms = rig.sim.now_ms()
            table = rig.learn()
            learned_min = (rig.sim.now_ms() - begin_ms) / 60_000
            _attach(rig, head)
            found = {BY_ANGLE: plain, BY_VOLUME: _delivered(rig)}
            found[BY_VOLUME] |= {"learned_min": learned_min, "deviation_nl": table.deviation_nl}
            return found


def limits(head: str, seed: int) -> Iterator[str]:
    """Yield what is left of the errors where dosing by volume helps less: slow rates, small boluses, a rotor that jumped or changed."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["THECAL_RUNTIME"] = name
        with learning_rig(Path(name), HEADS[head], seed) as rig:
            rig.calibrate()
            rig.learn()
            _attach(rig, head)
            for rate_nl, hours in ((20_000, 4), (50_000, 3), (1_000_000, 1)):
                _found_again(rig)
                found = rig.windows(rate_nl, hours * 3600, (2, 5, 11))
                yield f"{rate_nl // 1000} uL/h: {_told(found)}"
            _found_again(rig)
            errors, _ = rig.boluses(0, BOLUSES, SMALL_NL, 90, SMALL_RATE_NL)
            yield f"boluses of {SMALL_NL // 1000} uL: {max(map(abs, errors)):.2f} %"
            for degrees in (2, 7.2):
                off = round(degrees / 360 * rig.turn_steps)
                rig.client.rotor_phase(off)
                found = rig.windows(RATE_NL, RUN_S, (2, 5))
                rig.client.rotor_phase(off)
                errors, _ = rig.boluses(0, BOLUSES, BOLUS_NL, 90)
                yield f"angle off by {degrees} degrees, 100 uL/h: {_told(found)}; 20 uL: {max(map(abs, errors)):.1f} %"


def _told(found: dict[float, WindowError]) -> str:
    return ", ".join(f"{window} min {error.worst_percent:.1f} %" for window, error in found.items())


def _attach(rig: LearningRig, head: str) -> None:
    if head in LINE:
        rig.sim.alter_head(LINE[head])


def _delivered(rig: LearningRig) -> dict[str, Any]:
    """Return how far a run is ahead of its plan (uL, each second), the errors of its windows, and those of boluses, in percent."""
    _found_again(rig)
    begin_ms = rig.sim.now_ms()
    rig.run(round(RATE_NL * (RUN_S + 300) / 3600 * rig.turn_steps / rig.turn_nl), RATE_NL)
    rig.sim.advance(begin_ms + RUN_S * 1000)
    law = rig.client.status()["law"]
    rig.client.stop()
    series_nl = rig.sim.delivered_series_nl(begin_ms, begin_ms + RUN_S * 1000, EVERY_MS, as_weighed=True)
    errors = window_errors(series_nl, EVERY_MS / 1000, RATE_NL, MINUTES, skip_s=SKIP_S)
    kept = series_nl[SKIP_S:]
    ahead_ul = [(nl - kept[0] - RATE_NL * number / 3600) / 1000 for number, nl in enumerate(kept)]
    _found_again(rig)
    boluses, _ = rig.boluses(0, BOLUSES, BOLUS_NL, 90)
    return {
        "law": law, "ahead_ul": [round(one, 4) for one in ahead_ul[::5]], "boluses": boluses,
        "windows": {minutes: one.worst_percent for minutes, one in errors.items()},
        "most": {minutes: one.most_percent for minutes, one in errors.items()},
    }  # fmt: skip


def _found_again(rig: LearningRig) -> None:
    """Without a sensor the second start makes the phase doubtful. This simulated rotor does not jump, so its zero is what it was."""
    if rig.client.rotor_read()["rotor"]:
        rig.client.rotor_phase(0)


# --- pictures ------------------------------------------------------------------------------------------------------------------


def draw(found: dict[str, Any], folder: Path) -> None:
    """Write flow.png, windows.png and boluses.png."""
    for name, panel, height in (("flow", _draw_flow, 6.4), ("windows", _draw_windows, 3.2), ("boluses", _draw_boluses, 3.2)):
        (folder / f"{name}.png").write_bytes(_picture(found, name == "flow", panel, height))


def _picture(found: dict[str, Any], stacked: bool, panel: Any, height: float) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from thecal.reports.drawing import GRID, png_of, styled

    with styled():
        figure = Figure(figsize=(9.0, height), layout="constrained")
        FigureCanvasAgg(figure)
        shape = (len(found), 1) if stacked else (1, len(found))
        for (head, laws), axes in zip(found.items(), figure.subplots(*shape, squeeze=False, sharex=True).flat, strict=True):
            panel(axes, laws)
            axes.set_title(head + (", line of 5 s" if head in LINE else ""), fontsize=10, loc="left")
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color=GRID, linewidth=0.6)
            axes.set_axisbelow(True)
        figure.legend(*figure.axes[0].get_legend_handles_labels(), frameon=False, fontsize=9, loc="outside upper right", ncols=2)
        return png_of(figure, dpi=110)


def _styles() -> dict[str, dict[str, Any]]:
    from thecal.reports.drawing import DONE, TRUE

    return {BY_ANGLE: {"color": TRUE, "linestyle": "--"}, BY_VOLUME: {"color": DONE}}


def _draw_flow(axes: Any, laws: dict[str, Any]) -> None:
    for law, style in _styles().items():
        ahead_ul = laws[law]["ahead_ul"]
        axes.plot([5 * number / 60 for number in range(len(ahead_ul))], ahead_ul, label=law, linewidth=1.3, **style)
    axes.set_ylabel("ahead of plan, uL")
    axes.set_xlim(0, 70)
    if axes.get_subplotspec().is_last_row():
        axes.set_xlabel("minutes at 100 uL/h")


def _draw_windows(axes: Any, laws: dict[str, Any]) -> None:
    for law, style in _styles().items():
        windows = laws[law]["windows"]
        axes.plot(range(len(windows)), list(windows.values()), marker="o", label=law, **style)
    axes.set_yscale("log")
    axes.set_ylim(0.05, 300)
    axes.set_yticks([0.1, 1, 10, 100], ["0.1 %", "1 %", "10 %", "100 %"])
    axes.set_xticks(range(len(windows)), [f"{minutes}" for minutes in windows])
    axes.set_xlabel("window, min")
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel("largest error at 100 uL/h")


def _draw_boluses(axes: Any, laws: dict[str, Any]) -> None:
    for place, (law, style) in enumerate(_styles().items()):
        errors = laws[law]["boluses"]
        marker = {"marker": "ox"[place], "linestyle": "none"}
        axes.plot(range(1, len(errors) + 1), errors, label=law, **{**style, **marker})
    axes.axhline(0, color="0.4", linewidth=0.8)
    axes.set_xlabel("bolus of 20 uL")
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel("error, %")


if __name__ == "__main__":
    sys.exit(main())
