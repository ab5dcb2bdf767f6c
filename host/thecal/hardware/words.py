"""What the pump is not for, and what can hurt. The pages, the list of parts and the label have these words from here."""

from __future__ import annotations

BENCH_ONLY = "Bench use only. Never connect this pump to a person or an animal."

INTENDED_USE = (
    "Laboratory bench prototype. Not a medical device; not for use in or on humans or animals, for diagnosis or therapy. "
    "No conformity was assessed (IEC 60601, IEC 61010, EMC, FCC). The words of infusion pumps name functions only. "
    "Who builds or sells one becomes its manufacturer."
)

LICENCE = "SPDX-License-Identifier: CERN-OHL-P-2.0"

NOT_BUILT = "Nobody has built this rig yet. Its numbers are computed, from data sheets or from models; none was measured on it."

# Subject -> what to keep to.
SAFETY = {
    "Electrical": "The supply is class II, SELV, limited to 60 W. It stands on a shelf above and away from the liquid, at a socket with an "
    "RCD (GFCI). Never open it. A computer at USB earths the rig.",
    "Liquids": "Look up tube and medium in a chart of resistance. Wear eye protection when the line can have pressure. Collect the waste. "
    "Parts and sensors that touch the liquid are not sterile. A stop leaves pressure in the line: release it before you open a fitting.",
    "Unattended": "Not unattended until the rig ran 24 hours watched, on water, into a tray that holds the whole reservoir. Power that "
    "returns may resume a dose. The reservoir does not stand above the outlet: a worn or opened tube siphons.",
    "Fire": "Never run without the fuse, never fit a larger one. Around F1, converter and driver only PETG, ABS or metal. No flammable "
    "liquid, no solvent or its vapour. The motor may reach 70 C. A smoke alarm is in the room.",
    "Mechanical": "Cover over the rollers before power. The pump starts by itself when its program says so.",
    "Motor": "Do not touch a motor that has run for long, and do not mount it on PLA.",
    "Coin cell": "A swallowed cell kills. Keep it away from children, in a holder that needs a tool.",
    "Emergency": "The stop button is no emergency stop in the sense of a standard. That is the plug of the 12 V supply.",
    "Disposal": "Electronics are WEEE; cells go to a collection of their own; tubes as their last liquid demands.",
}


def licensed(name: str, text: str) -> str:
    """Return a generated file with the line of its licence, as a comment of its kind."""
    if LICENCE in text:
        return text
    if name.endswith(".md"):
        return f"<!-- {LICENCE} -->\n\n{text}"
    head, _, rest = text.partition("\n")
    return f"{head}\n<!-- {LICENCE} -->\n{rest}" if head.startswith("<?xml") else f"<!-- {LICENCE} -->\n{text}"
