"""A shape of `--json` that repeats a reply has its keys, and accepts every value that the table of replies accepts."""

from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from pumpcore.wire import replies
from pumpcore.wire.replies import REPLIES, keys
from thecal.cli.schema import therapy, verbs, weighing

THERAPY = keys(replies.THERAPY)
# shape: the kinds whose keys it has, and what the host adds
REPEATED: dict[type[BaseModel], tuple[list[tuple], set[str]]] = {
    verbs.Hello: ([replies.HELLO], set()),
    verbs.Ceilings: ([replies.CEILINGS], set()),
    verbs.Calibration: ([replies.CALIBRATION], set()),
    verbs.Status: ([replies.STATUS], {"clock", "delivered"}),
    verbs.Bolus: ([replies.BOLUS, replies.ORDERED, REPLIES["bolus.status"], REPLIES["bolus.cancel"]], {"settled"}),
    verbs.Begun: ([REPLIES["start"]], {"settled"}),
    verbs.Stop: ([REPLIES["stop"]], {"run"}),
    verbs.Alarm: ([replies.ALARM], set()),
    weighing.Rotor: ([replies.ROTOR], set()),
    verbs.Maintenance: ([REPLIES["maintenance"]], set()),
    verbs.Name: ([REPLIES["name.set"]], {"settled"}),
    therapy.Therapy: ([replies.THERAPY], set()),
    therapy.Reservoir: ([replies.RESERVOIR], set()),
    therapy.Line: ([replies.LINE], set()),
    therapy.Temporary: ([replies.TEMPORARY], set()),
    therapy.TemporaryOrdered: ([REPLIES["temporary.start"], REPLIES["temporary.cancel"]], {"settled"}),
    therapy.Bridged: ([REPLIES["bridge.start"]], {"settled"}),
}


def values(kind: tuple) -> list[Any]:
    """Return the ends of a kind's range; none for objects, which have their own shapes."""
    word = kind[0]
    if word == "maybe":
        return [None, *values(kind[1])]
    if word == "many":
        return [[], *([one] for one in values(kind[1]))]
    ranges = {"whole": kind[1:], "flag": (True, False), "hex": ("0" * int(kind[1]),) if word == "hex" else ()}
    return list(ranges.get(word, () if word in ("keys", "rule") else ("",)))


@pytest.mark.parametrize("shape", REPEATED, ids=lambda shape: shape.__name__)
def test_a_shape_has_the_keys_of_its_reply_and_takes_its_values(shape: type[BaseModel]) -> None:
    kinds, ours = REPEATED[shape]
    told = {name: kind for one in kinds for name, kind in keys(one).items()}
    assert set(shape.model_fields) == set(told) | ours
    for name, kind in told.items():
        annotation = shape.model_fields[name].annotation
        words = "Literal" in str(annotation)  # a closed list of words: the tests of the verbs cover it
        for value in [one for one in values(kind) if not (words and one == "")]:
            TypeAdapter(annotation).validate_python(value, strict=True)


def test_a_shape_needs_what_every_reply_has() -> None:
    """A key that is always sent and never null must be required, so that a reader of the JSON can rely on it."""
    alone = {shape: kinds[0] for shape, (kinds, _) in REPEATED.items() if len(kinds) == 1 and kinds[0][0] == "keys"}
    for shape, (_, needed, _) in alone.items():
        optional = [name for name, kind in needed.items() if kind[0] != "maybe" and not shape.model_fields[name].is_required()]
        assert not optional, shape
