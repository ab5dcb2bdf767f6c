"""A temporary rate: a rate, or an exact part of the basal, for a time; it ends on the pump."""

SHORTEST_S = 60
LONGEST_S = 86_400
MOST_PARTS = 10_000


class Temporary:
    """`rate_nl` per the program's seconds when `denominator` is 0, else the basal times `numerator` / `denominator`.

    `end_s` is the pump second of its span at which it ends; `lowered` says that it is somewhere below the basal.
    """

    by_time = True  # a bridge, which stands in the same place, ends by position

    def __init__(self, token: str, rate_nl: int, numerator: int, denominator: int, duration_s: int) -> None:
        self.token = token
        self.rate_nl = rate_nl
        self.numerator = numerator
        self.denominator = denominator
        self.duration_s = duration_s
        self.end_s = 0
        self.begins_at_ms = 0
        self.lowered = denominator > numerator

    def parts(self) -> int:
        """By how much finer than the program's the remainder of its basal is."""
        return self.denominator or 1

    def of(self, basal_nl: int) -> int:
        """The rate in 1 / `parts` nl for a basal of `basal_nl`."""
        return basal_nl * self.numerator if self.denominator else self.rate_nl

    def asked(self) -> tuple[int, int, int, int]:
        return self.rate_nl, self.numerator, self.denominator, self.duration_s
