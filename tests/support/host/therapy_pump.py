"""A fake pump that knows the therapy commands, keeps every request, and judges nothing."""

from pumpcore.faults.faults import Refusal
from pumpcore.program import packing
from pumpcore.program.settings import Settings
from support.host.fake_pump import FakePump
from support.programs import constant

THERAPY = ("bolus.demand", "bolus.extended", "bolus.prime", "temporary.start", "temporary.cancel",
           "reservoir.refill", "reservoir.acknowledge")  # fmt: skip

CEILINGS = {"rate_nl": 4_000_000, "rate_seconds_s": 3600, "hour_nl": 4_000_000, "day_nl": 40_000_000, "max_rate_hz": 2_000,
            "start_rate_hz": 0, "acceleration_hz_per_s": 0}  # fmt: skip


class TherapyPump(FakePump):
    """A pump that knows the therapy commands, keeps every request, and judges nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list = []
        self.known = list(THERAPY)
        self.reservoir = {"capacity_nl": 20_000_000, "left_nl": 4_000_000, "spread_nl": 0, "delivered_nl": 10_000_000, "blocks": 0}
        made = constant(100_000)
        made.concentration = (500, 1000)
        made.settings = Settings()
        values = {"demand_on": 1, "demand_nl": 50_000, "demand_s": 600, "lockout_s": 3600, "demand_per_day": 4, "tubing_nl": 140_000,
                  "catheter_nl": 199_000, "line_day": 20_000, "capacity_nl": 20_000_000, "low_nl": 2_000_000, "empty_nl": 500_000,
                  "tolerance_nl": 100_000}  # fmt: skip
        for name, value in values.items():
            setattr(made.settings, name, value)
        self.active = packing.pack(made)

    def do_hello(self):
        return {**super().do_hello(), "capabilities": self.known}

    def do_status(self):
        return {**super().do_status(), "therapy": {"reservoir": self.reservoir}}

    def _bolus(self, method, token, **params):
        if token not in self.tokens:
            raise Refusal("token_unknown")
        self.asked.append((method, params))
        self.boluses[token] = "delivering"
        return {"ordered_steps": 10, "duration_s": 100, "begins_at_ms": 0}

    def do_bolus_demand(self, **params):
        return self._bolus("demand", **params)

    def do_bolus_extended(self, **params):
        return self._bolus("extended", **params)

    def do_bolus_prime(self, **params):
        return self._bolus("prime", **params)

    def do_temporary_start(self, **params):
        self.asked.append(("temporary", {name: value for name, value in params.items() if name != "token"}))
        return {"begins_at_ms": 0, "ends_at_ms": 60_000}

    def do_temporary_cancel(self, token):
        return {"token": token, "ends_at_ms": 5}

    def do_reservoir_refill(self, token, measured_nl, filled_nl):
        self.asked.append(("refill", {"measured_nl": measured_nl, "filled_nl": filled_nl}))
        blocks = int(abs(measured_nl - 4_000_000) > 100_000)
        told = {"expected_nl": 4_000_000, "measured_nl": measured_nl, "filled_nl": filled_nl}
        return {**told, "left_nl": measured_nl + filled_nl, "blocks": blocks}

    def do_reservoir_acknowledge(self, reason):
        self.asked.append(("acknowledge", {"reason": reason}))
        return {"blocks": 0}
