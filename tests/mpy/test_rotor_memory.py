"""What a slice by volume leaves behind in MicroPython's memory, far away from zero: a chip collects once a turn of its loop."""

import json

import pytest

from support.micropython import run_in_micropython
from support.models.rotor import dip, prices_of, sinus

MOST_BYTES = 16_000  # of a slice: a chip has four times as much free
SCRIPT = """
import gc
import json
from pumpcore.motion.rotor import Path, Rotor
path = Path(Rotor({prices}, 1, 3200), 17, (1250, 50))
path.begin({position}, {position} + 5)
items, before = 0, gc.mem_alloc()
for number in range({slices}):
    for steps, duration_us in path.lay({steps}, 4000000):
        items += 1
print(json.dumps([(gc.mem_alloc() - before) // {slices}, items, str(path.motor_steps() - path.motor({position}))]))
"""


@pytest.mark.parametrize("head", [sinus(), dip(0.35)], ids=["sinus", "dip35"])
@pytest.mark.parametrize("steps", [1, 11, 1_111])
def test_a_slice_leaves_little_garbage_at_any_position(head: object, steps: int) -> None:
    prices, found = prices_of(head, 192, 3_200), []
    for position in (0, 10**11):
        script = SCRIPT.format(prices=prices, position=position, slices=1_000, steps=steps)
        found.append(json.loads(run_in_micropython(script)))
    (near, near_items, near_motor), (far, far_items, far_motor) = found
    assert (near_items, near_motor) == (far_items, far_motor)
    assert near <= far <= MOST_BYTES
    assert far - near <= 400
