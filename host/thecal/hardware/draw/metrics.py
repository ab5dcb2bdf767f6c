"""How wide a text is in DejaVu Sans, and where to break it. The drawings are laid out with these widths."""

from __future__ import annotations

# Advance of the characters from blank to ~ in thousandths of the font size: DejaVu Sans 2.37, regular and bold.
_FIRST = 32
_REGULAR = (
    *(318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636, 636),
    *(636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787),
    *(603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635),
    *(634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838),
)
_BOLD = (
    *(348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696, 696, 696, 696, 696, 696),
    *(696, 696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995, 837, 850),
    *(733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 500, 500, 675, 716, 593, 716, 678, 435, 716),
    *(712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838),
)
_OTHER = 1_000


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of a text in the unit of its font size. A character outside of ASCII counts as one em."""
    widths = _BOLD if bold else _REGULAR
    return sum(_advance(widths, character) for character in text) * size / 1_000


def _advance(widths: tuple[int, ...], character: str) -> int:
    index = ord(character) - _FIRST
    return widths[index] if 0 <= index < len(widths) else _OTHER


def wrap(text: str, size: float, width: float, bold: bool = False) -> list[str]:
    """Break a text at blanks so that each line is at most `width` wide. A word that is wider alone is cut."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if text_width(longer, size, bold) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while text_width(word, size, bold) > width and len(word) > 1:
            fits = max(1, _fitting(word, size, width, bold))
            lines.append(word[:fits])
            word = word[fits:]
        line = word
    return [*lines, line] if line else lines


def _fitting(word: str, size: float, width: float, bold: bool) -> int:
    """Return how many characters of a word fit."""
    count = 0
    while count < len(word) and text_width(word[: count + 1], size, bold) <= width:
        count += 1
    return count
