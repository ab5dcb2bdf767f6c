"""Pictures of the parts that can be put in the wrong way round: each pin by its name, with the net that it goes to."""

from __future__ import annotations

from collections.abc import Callable

from thecal.hardware.board import footprints
from thecal.hardware.board.footprints import Footprint
from thecal.hardware.draw.ink import FAINT, HEAD, INK, LICENCE, SMALL, TEXT, WARNING, Letters, Look, Page, Point
from thecal.hardware.draw.layout import A4_MM, HEIGHT, MARGIN, WIDTH
from thecal.hardware.draw.metrics import text_width, wrap
from thecal.hardware.draw.scheme import Scheme, short
from thecal.hardware.rig import Part, Rig

FILE = "pinouts.svg"
_PITCH = 34
_LINE = SMALL + 2
_KINDS = ("driver", "clock_module", "sensor_module", "converter", "regulator", "diode", "tvs", "capacitor")
_ROW_LABELS = 4
_COLUMN = (WIDTH - 3 * MARGIN) / 2
_NOTES = {
    "regulator": "Flat side towards you, legs down.",
    "diode": "The ring on the body is the cathode.",
    "tvs": "The ring on the body is the cathode: at 12 V, not at ground.",
    "capacitor": "The stripe on the can is minus; the longer leg is plus.",
    "driver": "Seen from above when it is plugged in. Compare with the names printed on your module before you plug it in.",
}
_OPEN = "open"
_SIP, _IN_A_ROW = "sip3", "Printed side towards you, legs down."
_ON_BODY = {"to92": "flat side", _SIP: "print"}
_PLUGGED = "Seen from above in its place. Compare with the names printed on it."


def draw(rig: Rig, scheme: Scheme, bench_file: str) -> str:
    """Return the sheet as SVG: two columns of panels, the tallest first."""
    page = Page(A4_MM, WIDTH, HEIGHT, f"{rig.name}: pin-outs. {WARNING}")
    page.text((MARGIN, 44), f"{rig.name}: which way round", Letters(HEAD, bold=True))
    page.text((MARGIN, 68), "Each pin with the net that it goes to. Parts of the same kind are drawn once.", Letters(TEXT))
    page.text((MARGIN, 90), WARNING, Letters(TEXT, bold=True, colour="#a31621"))
    tops = [112.0, 112.0]
    for marks, part in _panels(rig):
        column = 0 if tops[0] <= tops[1] else 1
        left = MARGIN + column * (_COLUMN + MARGIN)
        tops[column] += _panel(page, (left, tops[column]), marks, part, scheme) + 16
    page.text((MARGIN, HEIGHT - 24), f"Written from {bench_file} by python -m thecal.hardware. {LICENCE}")
    return page.svg()


def _panels(rig: Rig) -> list[tuple[list[str], Part]]:
    """Return (marks, part) of each library part that has a wrong way round."""
    found: dict[str, tuple[list[str], Part]] = {}
    for mark, part in rig.parts.items():
        if part.library.kind in _KINDS and not _either_way(part):
            found.setdefault(part.library.id, ([], part))[0].append(mark)
    order = {kind: number for number, kind in enumerate(_KINDS)}
    return sorted(found.values(), key=lambda panel: order[panel[1].library.kind])


def _either_way(part: Part) -> bool:
    return part.library.kind == "capacitor" and "plus" not in part.library.terminals


def _panel(page: Page, at: Point, marks: list[str], part: Part, scheme: Scheme) -> float:
    """Draw one panel; return its height."""
    title = wrap(short(part.library), SMALL, _COLUMN - 20)
    note = _NOTES.get(part.library.kind) or (_IN_A_ROW if part.library.footprint == _SIP else _PLUGGED)
    notes = wrap(note, SMALL, _COLUMN - 20)
    x, top = at
    y = top + 22
    with page.group("panel", mark=" ".join(marks)):
        page.text((x + 10, y), ", ".join(marks), Letters(TEXT, bold=True), kind="mark")
        page.texts((x + 10, y + _LINE + 2), title)
        y += _LINE * (len(title) + 1) + 4
        page.texts((x + 10, y), notes, Letters(colour=FAINT))
        y += _LINE * len(notes)
        high = _picture(page, (x, y), marks[0], part, scheme)
        page.box(at, (_COLUMN, y + high - top), Look("none", FAINT, 1, 6), kind="panel")
    return y + high - top


def _picture(page: Page, at: Point, mark: str, part: Part, scheme: Scheme) -> float:
    """Draw body and pins; return the height."""
    names = _Names(mark, scheme, _ON_BODY.get(part.library.footprint, mark))
    kind = part.library.kind
    if kind in ("diode", "tvs"):
        return _axial(page, at, list(part.library.terminals), names)
    if kind == "capacitor":
        return _can(page, at, list(part.library.terminals), names)
    try:
        footprint = footprints.named(part.library.footprint)
    except ValueError:
        return _listed(page, at, list(part.library.terminals), names)
    columns = {across for across, _ in footprint.pads.values()}
    rows = {down for _, down in footprint.pads.values()}
    shape: Callable[[Page, Point, Footprint, _Names], float] = _module if len(columns) == 2 and len(rows) > 1 else _row
    return shape(page, at, footprint, names)


class _Names:
    """The words of a picture: what stands on the body, and the net of each pin."""

    def __init__(self, mark: str, scheme: Scheme, body: str) -> None:
        self.body = body
        self._mark = mark
        self._scheme = scheme

    def net(self, terminal: str) -> str:
        """Return the net of a terminal, or that nothing is wired."""
        return self._scheme.net_of((self._mark, terminal)) or _OPEN


def _ink(net: str) -> str:
    return FAINT if net == _OPEN else INK


def _pin(page: Page, at: Point, used: bool) -> None:
    page.disc(at, 6, Look("#e0b83c" if used else "#ffffff", INK if used else FAINT, 1.5), kind="pin")


def _module(page: Page, at: Point, footprint: Footprint, names: _Names) -> float:
    """Two columns of pins: names inside, nets outside."""
    last = max(down for _, down in footprint.pads.values())
    middle, top = at[0] + _COLUMN / 2, at[1] + 26
    half = max(text_width(name, SMALL) for name in footprint.pads) + 34
    page.box((middle - half, top - 20), (2 * half, last * _PITCH + 40), Look("#e3f1e6", INK, 2, 4), kind="body")
    for name, (across, down) in footprint.pads.items():
        side = 1 if across else -1
        x, y = middle + side * half, top + down * _PITCH
        net = names.net(name)
        with page.group("pad", terminal=name):
            _pin(page, (x, y), net != _OPEN)
            shown = "not used" if name.startswith("free") else name
            page.text((x - side * 12, y + 5), shown, Letters(anchor="end" if side == 1 else "start", bold=True))
            page.text((x + side * 12, y + 5), net, Letters(anchor="start" if side == 1 else "end", colour=_ink(net)))
    return last * _PITCH + 66


def _row(page: Page, at: Point, footprint: Footprint, names: _Names) -> float:
    """One row of pins below the body: the name under the pin, the net under the name, in steps if there are many."""
    places = sorted(footprint.pads.items(), key=lambda pad: pad[1])
    widest = max(text_width(text, SMALL, True) for name, _ in places for text in (name, names.net(name)))
    step = min(110.0, max(52.0, widest + 16), (_COLUMN - 40) / max(1, len(places) - 1 + widest / 52))
    wide = step * (len(places) - 1)
    left, top = at[0] + (_COLUMN - wide) / 2, at[1] + 14
    page.box((left - 26, top), (wide + 52, 46), Look("#e8ecf4", INK, 2, 4), kind="body")
    page.text((left + wide / 2, top + 28), names.body, Letters(anchor="middle", colour=FAINT))
    for index, (name, _) in enumerate(places):
        x, y = left + index * step, top + 70
        net = names.net(name)
        page.line([(x, top + 46), (x, y - 6)], INK, 2, "lead")
        with page.group("pad", terminal=name):
            _pin(page, (x, y), net != _OPEN)
            page.text((x, y + 24), name, Letters(anchor="middle", bold=True))
            page.text((x, y + 40 + (index % 2) * _LINE * (widest > step)), net, Letters(anchor="middle", colour=_ink(net)))
    return 134 + _LINE * (widest > step)


def _axial(page: Page, at: Point, terminals: list[str], names: _Names) -> float:
    """A body with a ring at the cathode."""
    middle, y = at[0] + _COLUMN / 2, at[1] + 34
    page.line([(middle - 120, y), (middle - 45, y)], INK, 3, "lead")
    page.line([(middle + 45, y), (middle + 120, y)], INK, 3, "lead")
    page.box((middle - 45, y - 18), (90, 36), Look("#555555", INK, 2, 4), kind="body")
    page.box((middle + 20, y - 18), (12, 36), Look("#eeeeee", "#eeeeee", 1, 0), kind="ring")
    for side, terminal in ((-1, "anode"), (1, "cathode")):
        if terminal in terminals:
            _two_words(page, (middle + side * 120, y), side, terminal, names)
    return 78


def _can(page: Page, at: Point, terminals: list[str], names: _Names) -> float:
    """A can from above, its stripe at minus."""
    middle, y = at[0] + _COLUMN / 2, at[1] + 46
    page.disc((middle, y), 36, Look("#34495e", INK, 2), kind="body")
    page.box((middle + 14, y - 26), (12, 52), Look("#eeeeee", "#eeeeee", 1, 2), kind="ring")
    for side, terminal in ((-1, "plus"), (1, "minus")):
        if terminal in terminals:
            page.line([(middle + side * 36, y), (middle + side * 80, y)], INK, 2, "lead")
            _two_words(page, (middle + side * 80, y), side, terminal, names)
    return 94


def _two_words(page: Page, at: Point, side: int, terminal: str, names: _Names) -> None:
    with page.group("pad", terminal=terminal):
        _pin(page, at, True)
        anchor = "start" if side == 1 else "end"
        page.text((at[0] + side * 12, at[1]), terminal, Letters(anchor=anchor, bold=True))
        page.text((at[0] + side * 12, at[1] + _LINE), names.net(terminal), Letters(anchor=anchor))


def _listed(page: Page, at: Point, terminals: list[str], names: _Names) -> float:
    """No drawing is known: the names and nets in lines."""
    lines = [f"{terminal}: {names.net(terminal)}" for terminal in terminals]
    page.text((at[0] + 10, at[1] + 18), "No picture of this module is known here: go by the names printed on it.")
    page.texts((at[0] + 24, at[1] + 18 + _LINE), lines)
    return _LINE * (len(lines) + 1) + 24
