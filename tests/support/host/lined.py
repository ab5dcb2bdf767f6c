"""A simulated pump with a measured line behind it, and prescriptions of one or several drugs for it."""

import json
from typing import Any

from pydantic import TypeAdapter

from support.host.cli import Visit
from thecal.cli.schema.verbs import SHAPES

RX = """title = "{title}"
{head}{drugs}[basal]
rate = "0.5 mL/h"
[line]
tubing = "140 uL"
catheter = "199 uL"
measured = 2026-01-31
"""


class LinedBench(Visit):
    """Types verbs at a pump whose line holds 339 uL."""

    def write(self, title: str, *drugs: tuple[str, str], resume: bool = False) -> str:
        """Write a prescription of these (drug, concentration); return its file. `resume`: it goes on after a power cut."""
        words = [f'drug = "{name}"\nconcentration = "{concentration}"\n' for name, concentration in drugs]
        if len(drugs) > 1:
            words = ["[[drug]]\n" + word.replace("drug =", "name =") for word in words]
        head = 'after_power_loss = "resume"\n' if resume else ""
        (self.folder / f"{title}.toml").write_text(RX.format(title=title, head=head, drugs="".join(words)))
        return f"{title}.toml"

    def checked(self, verb: str, *words: str) -> Any:
        """Return the decoded --json of a verb; it has the shape that `thecal schema` promises."""
        text, _ = self.types(verb, *words, "--json")
        TypeAdapter(SHAPES[verb]).validate_json(text, strict=True)
        return json.loads(text)
