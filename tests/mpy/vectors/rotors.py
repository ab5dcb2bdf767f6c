"""Tables of a rotor: paid, reached, laid in items, halted, and another table; near zero and at positions of 10**11."""

from pumpcore.motion.rotor import PARTS, Path, Rotor, plain, prices_of


def _prices(bins: int, turn: int, seed: int) -> list:
    """Return prices with dead zones; a row of pseudo-random numbers that both languages make."""
    made, left = [], turn
    for _number in range(bins - 1):
        seed = (seed * 1_103_515_245 + 12_345) % (1 << 31)
        price = 0 if seed >> 16 & 3 == 0 else (seed >> 10) % (2 * turn // bins)
        price = min(price, left)
        made.append(price)
        left -= price
    return made + [left]


def _tables() -> list:
    return [
        Rotor(_prices(192, PARTS * 3_200, 7), 1, 3_200), Rotor(_prices(97, PARTS * 22_800, 11), 11, 22_800), Rotor([PARTS * 200], 1, 200),
    ]


def _priced() -> list:
    """Prices of signed volumes: what flows back is made up for first, also round the turn."""
    made = []
    for bins, turn, seed in ((192, PARTS * 3_200, 5), (97, PARTS * 22_800, 3), (384, PARTS * 51_200, 8)):
        volumes, left = [], turn
        for number in range(bins - 1):
            seed = (seed * 1_103_515_245 + 12_345) % (1 << 31)
            volumes.append((seed >> 10) % (4 * turn // bins) - turn // bins)
            left -= volumes[number]
        made.append(prices_of(volumes + [left]))
    return made


def _paid() -> list:
    made = []
    for rotor in _tables():
        made.append(rotor.dearest)
        for position in range(-5_000, 50_000, 997):
            grains = rotor.paid(position)
            made.append([grains, rotor.reach(grains), rotor.edge(position), rotor.reach(grains + 12_345)])
    return made


def _laid() -> list:
    made = []
    for rotor in _tables():
        for position in (0, 10**11 + 17):
            path = Path(rotor, 55, (1_250, 50))
            path.begin(position, position + 3)
            for steps, duration_us in ((11, 4_000_000), (0, 1), (1, 999_999), (1_111, 4_000_000), (0, 2_500_000), (277, 1_000_000)):
                made.append([list(item) for item in path.lay(steps, duration_us)])
            made.append([str(path.motor_steps()), path.due(), path.late_us(), str(path.motor(position + 9_000))])
            made.append([str(path.delivered(position + step)) for step in range(0, 1_400, 37)])
            other = Path(plain(rotor.turns, rotor.turns_steps), 0, (1_250, 50))
            other.follow(path, position)
            made.append([list(item) for item in other.lay(40, 1_000_000)])
            made.append([str(other.halted(position + 700)), other.due(), str(other.motor_steps())])
    return made


def run() -> list:
    return [_priced(), _paid(), _laid()]
