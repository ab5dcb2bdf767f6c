"""The target of device scenarios, Hypothesis profiles, and the closing table of the tiers that ran and the tests left out."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from support.rig.target import NO_UF2, Chosen, Target, choose
from support.rig.uf2 import find_uf2

TESTS = Path(__file__).resolve().parent

# Folder of a test -> its tier in the closing table, and the tiers in printing order.
TIER_OF_FOLDER = {
    "unit": "unit",
    "mpy": "mpy",
    "device": "sim/device",
    "pico": "emu",
    "faults": "faults",
    "house_rules": "rules",
    "mutations": "mutations",
    "bench": "bench",
    "page": "page",
    "cad": "cad",
}
TIERS = ("unit", "mpy", "sim/device", "emu", "board", "faults", "rules", "mutations", "page", "cad")

hypothesis.settings.register_profile("brief", deadline=None, max_examples=25, derandomize=True, print_blob=True)  # make test
hypothesis.settings.register_profile("quick", deadline=None, max_examples=60, derandomize=True, print_blob=True)  # make test-long
hypothesis.settings.register_profile("torture", deadline=None, max_examples=5000, print_blob=True)
# Of a broken rule the first failure is enough: tests/mutations never reads the smallest example.
ONE_FAILURE = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
hypothesis.settings.register_profile("mutation", hypothesis.settings.get_profile("quick"), phases=ONE_FAILURE, report_multiple_bugs=False)
hypothesis.settings.load_profile(os.environ.get("THECAL_HYPOTHESIS", "quick"))


PUMP_FIXTURES = ("device", "pump")  # of tests that need a booted pump
TARGET_KEY = pytest.StashKey[Target]()
LONG_KEY = pytest.StashKey[Counter[str]]()  # tests marked `long` that -m left out, by tier


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--target",
        default="sim",
        metavar="sim|emu|PORT",
        help="where the scenarios of tests/device run: the simulator (default), the emulated RP2040, or a board's serial port",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TARGET_KEY] = Chosen.target = choose(config.getoption("--target"))
    config.stash[LONG_KEY] = Counter()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # First, so that they lie at the head of one worker's share, where no other worker steals: each worker would boot a chip, 13 s of CPU.
    items.sort(key=lambda item: not item.nodeid.startswith("tests/pico/"))
    target = config.stash[TARGET_KEY]
    for item in items:
        missing = [name for mark in item.iter_markers("needs") for name in mark.args if name not in target.capabilities]
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"target {target.name} has no {', '.join(missing)}"))
        elif tier_of(item.nodeid.split("::")[0], target) == "emu" and item.nodeid.startswith("tests/pico/"):
            _skip_what_is_too_long(item, target)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count what `make test` leaves to `make test-long`, for the closing table."""
    for item in items:
        if item.get_closest_marker("long") and not item.get_closest_marker("skip") and "not long" in item.config.option.markexpr:
            item.config.stash[LONG_KEY][tier_of(item.nodeid.split("::")[0], item.config.stash[TARGET_KEY])] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Report a worker's count to the process that prints the table."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["long"] = dict(session.config.stash[LONG_KEY])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Take the count of a worker. Every worker collects all tests, so the counts agree."""
    node.config.stash[LONG_KEY] |= Counter(getattr(node, "workeroutput", {}).get("long", {}))


def _skip_what_is_too_long(item: pytest.Item, target: Target) -> None:
    """Skip tests of the emulated chip: all without a UF2; in `make test`, all but the quick ones."""
    if find_uf2() is None:
        item.add_marker(pytest.mark.skip(reason=NO_UF2))
    elif target.kind != "emu" and item.get_closest_marker("quick") is None:
        item.add_marker(pytest.mark.skip(reason="takes too long for every run: make test-emu runs it"))


def pytest_runtestloop(session: pytest.Session) -> None:
    """On the emulated chip, boot once in the process from which all tests are forked."""
    target = session.config.stash[TARGET_KEY]
    wanted = any(set(PUMP_FIXTURES).intersection(getattr(item, "fixturenames", ())) for item in session.items)
    if target.kind == "emu" and not target.unusable and wanted and not session.config.option.collectonly:
        from support.emulator import snapshot

        snapshot.prepare()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Run a test of the emulated chip in a fork of this process, which may have booted a board for it."""
    target = item.config.stash[TARGET_KEY]
    if target.unusable or tier_of(item.nodeid.split("::")[0], target) != "emu" or item.get_closest_marker("skip") is not None:
        return None
    from support.emulator import forked

    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in forked.run(item):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    """The target chosen with --target; tolerances and abilities belong to it, not to a test."""
    chosen = request.config.stash[TARGET_KEY]
    if chosen.unusable:
        pytest.skip(chosen.unusable)
    return chosen


# --- the closing table ----------------------------------------------------------------------------------------------------


def tier_of(path: str, target: Target) -> str:
    """Return the tier of the test file at `path`, relative to the root of the project."""
    parts = Path(path).parts
    tier = TIER_OF_FOLDER.get(parts[1], "other") if len(parts) > 2 and parts[0] == "tests" else "other"
    if tier == "sim/device" and target.kind != "sim":
        return target.kind
    return tier


class Tally:
    """The results of the tests of each tier."""

    def __init__(self, long: Counter[str]) -> None:
        self.long = long
        self.outcomes: dict[str, Counter[str]] = {}
        self.reasons: dict[str, Counter[str]] = {}

    def add(self, tier: str, outcome: str, reason: str = "") -> None:
        self.outcomes.setdefault(tier, Counter())[outcome] += 1
        if reason:
            self.reasons.setdefault(tier, Counter())[reason] += 1

    def lines(self, tier: str) -> list[str]:
        """Return the tier's counts and, below them, each reason for which tests were skipped."""
        counts = self.outcomes.get(tier, Counter())
        left = [f"{'':<11} {self.long[tier]} LONG: make test-long runs them"] if self.long[tier] else []
        if not counts:
            return [f"{tier:<11} NOT RUN: {why_empty(tier)}", *left]
        text = ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "error", "xfailed", "skipped") if counts[word])
        reasons = self.reasons.get(tier, Counter()).most_common()
        return [f"{tier:<11} {text}", *(f"{'':<11} SKIPPED {count}: {reason}" for reason, count in reasons), *left]


def why_empty(tier: str) -> str:
    """Return why a tier has no test in this run, so that the reader knows what was not proven."""
    if tier == "emu":
        what = "needs a MicroPython UF2 (THECAL_UF2)" if find_uf2() is None else "was not selected"
        return f"the emulated RP2040 {what}; PIO, DMA, pins and memory are unproven"
    if tier == "board":
        return "needs a real board (make test-board PORT=...); nothing was proven on hardware"
    folder = next((name for name, of_folder in TIER_OF_FOLDER.items() if of_folder == tier), tier)
    return "not selected in this run" if any((TESTS / folder).glob("**/test_*.py")) else f"tests/{folder} has no tests"


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the text of a skip; pytest keeps it as (file, line, "Skipped: text")."""
    where = report.longrepr
    return str(where[2]).removeprefix("Skipped: ") if isinstance(where, tuple) else ""


def show_figures(terminalreporter) -> None:
    """Print the figures that tests measured: `record_property("figure", text)`. The asserted budgets are loose."""
    reports = [report for report in terminalreporter.stats.get("passed", []) if report.when == "call"]
    figures = [text for report in reports for name, text in report.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("figures")
    for text in figures:
        terminalreporter.write_line(text)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> Iterator[None]:
    """Print the table after pytest's own summaries, right above its closing line."""
    yield
    target = config.stash[TARGET_KEY]
    tally = Tally(config.stash[LONG_KEY])
    for category, reports in terminalreporter.stats.items():
        if category not in ("passed", "failed", "error", "skipped", "xfailed"):
            continue
        for report in reports:
            reason = reason_of(report) if category == "skipped" else ""
            tally.add(tier_of(report.nodeid.split("::")[0], target), category, reason)
    show_figures(terminalreporter)
    terminalreporter.section(f"tiers (target {target.name})")
    others = [tier for tier in sorted(tally.outcomes) if tier not in TIERS]
    for tier in (*TIERS, *others):
        for line in tally.lines(tier):
            terminalreporter.write_line(line)
