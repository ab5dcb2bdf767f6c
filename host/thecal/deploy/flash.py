"""The order of steps that puts the firmware on a board.

Look, review, back up, maintenance, survey, manifest away, copy beside, all into place, strays away, bench, manifest, reset, read
back. From the moment at which the manifest goes until the new one is in its place, nothing on the board matches a manifest:
whatever interrupts, it does no therapy, what was a pump still answers, and flashing again mends it. No step formats anything.
"""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thecal.deploy import backup, bench_slot, finding, identity, marks, plan, proof, review
from thecal.deploy.board import NEW, Board, copying
from thecal.deploy.build import Built, misfit
from thecal.deploy.runner import Runner
from thecal.deploy.survey import DATA, Survey
from thecal.errors import Failed, LinkLost, ThecalError
from thecal.files.bench import Bench
from thecal.pump import keys
from thecal.pump.client import Client
from thecal.pump.transport import registry
from thecal.pump.transport.ports import Candidate
from thecal.terminal.console import confirm, talk

CHIP = "RP2040"
OLDEST_MICROPYTHON = [1, 28]
INCOMPLETE = "until you flash it again, the pump reports firmware_incomplete and delivers nothing"


@dataclass(frozen=True)
class Order:
    """The order of the user. `bench` None keeps the pump's own, with its calibration; `backups` None is the user's data folder."""

    bench: Bench | None = None
    backups: Path | None = None
    yes: bool = False
    dry_run: bool = False


@dataclass
class Flash:
    """One flash of one board. `report` becomes the `--json` output."""

    order: Order
    built: Built
    candidate: Candidate
    runner: Runner
    report: dict[str, Any] = field(default_factory=dict)
    writing: bool = False
    boots: int = 0

    def run(self) -> dict[str, Any]:
        """Carry out all steps, or with `dry_run` those that change nothing. Returns the report. Raises BadInput for an unsafe bench."""
        if self.order.bench is not None:
            bench_slot.require_for_board(self.order.bench)
        begun_s = time.monotonic()
        seen = finding.look(self.candidate.port_url)
        self.report = {"port": self.candidate.port_url, "release": self.built.release, "dry_run": self.order.dry_run}
        if seen.hello is not None:
            self._review_pump(seen)
            if not self.order.dry_run:
                self._release(seen)
        elif seen.unfit:
            self._release_unfit(seen.unfit)
        elif not seen.prompt and not self._may_interrupt():
            return self.report
        if not (self.order.dry_run and (seen.hello or seen.unfit)):
            self._at_the_prompt(asked=seen.hello is not None, was_pump=bool(seen.hello or seen.unfit))
        self.report["duration_s"] = round(time.monotonic() - begun_s, 1)
        return self.report

    # --- a pump that answers

    def _review_pump(self, seen: finding.Seen) -> None:
        """Show the present and the new state; ask. Raises Failed if it can't be flashed. Nothing has changed on return."""
        hello, status = seen.hello or {}, seen.status or {}
        self.boots = int(status.get("boot") or 0)
        require_chip(str((hello.get("implementation") or {}).get("machine", "")))
        if not hello.get("bench") and self.order.bench is None:
            raise review.no_bench()
        keys.require("maintenance", status, hello, self.order.dry_run)
        talk(review.of_pump(self.candidate.port_url, seen, self.built, self.order.bench))
        if self.order.dry_run:
            self.report["files"] = sorted(self.built.files)
            talk(review.unknown_files(hello, self.built))
            return
        if status.get("state") not in review.IDLE:
            confirm(f"The pump is {status.get('state')}. Stop it?", self.order.yes)
        confirm("Back up, then write the firmware to this pump?", self.order.yes)

    def _release(self, seen: finding.Seen) -> None:
        """Stop a running pump (the user confirmed that), save its journal, and enter maintenance."""
        hello, status = seen.hello or {}, seen.status or {}
        with Client(self.candidate.port_url) as client:
            if status.get("state") not in review.IDLE:
                client.stop()
            saved = backup.save_journal(client, self._backup_folder(str(hello.get("unique_id"))), {"hello": hello, "status": status})
            self.report["saved_sequences"] = saved
            client.maintenance()
        self._move_to(finding.await_port(self.candidate, finding.has_prompt))

    def _release_unfit(self, cause: str) -> None:
        """Get the prompt of a pump that runs no firmware. The backup saves its journal with its files later."""
        talk(f"the pump on {self.candidate.port_url} delivers nothing: {cause}")
        if self.order.dry_run:
            self.report["files"] = sorted(self.built.files)
            talk(review.unknown_files({}, self.built))
            return
        with Client(self.candidate.port_url) as client:
            client.maintenance()
        self._move_to(finding.await_port(self.candidate, finding.has_prompt))

    def _backup_folder(self, unique_id: str) -> Path:
        """Return one folder for all backups of this run."""
        if "backup" not in self.report:
            known = unique_id if re.fullmatch("[0-9a-fA-F]{1,32}", unique_id) else ""
            self.report["backup"] = str(backup.new_folder(self.order.backups, known))
            talk(f"backup: {self.report['backup']}")
        return Path(self.report["backup"])

    def _move_to(self, port_url: str) -> None:
        self.candidate = Candidate(port_url, self.candidate.origin, self.candidate.serial_number)

    # --- a board at its prompt

    def _may_interrupt(self) -> bool:
        """Ask whether to continue with a board on which neither a pump nor a prompt answers."""
        talk(f"neither a pump nor MicroPython's prompt answers on {self.candidate.port_url}")
        if self.order.dry_run:
            talk("flashing would interrupt the program that runs there")
            return False
        confirm("Interrupt that program?", self.order.yes)
        return True

    def _at_the_prompt(self, asked: bool, was_pump: bool) -> None:
        """Carry out the steps from survey to proof. Restart a pump with an untouched flash after an error."""
        board = Board(self.candidate.port_url, self.runner)
        try:
            survey = board.survey()
            todo = self._check(survey)
            if self.order.dry_run:
                return
            self._save(board, survey, journal_too=not asked)
            if not asked:
                confirm("Write this to the board?", self.order.yes)
            self._write(board, survey, todo)
        except BaseException as error:
            self._give_back(board, error, was_pump)
            raise
        self._finish(board, survey)

    def _check(self, survey: Survey) -> plan.Plan:
        """Show the plan. Raises Failed if it does not fit this board."""
        require_chip(str(survey.facts.get("machine")))
        reason = too_old(survey.facts.get("version", [])) or misfit(self.built.files, int(survey.facts["mpy"]))
        if reason:
            raise Failed(reason, "put a newer MicroPython on it: hold BOOTSEL while plugging it in, THECAL_UF2=FILE; its files are kept")
        todo = plan.make(self.built, survey)
        plan.require_room(todo, self.built, survey)
        if self.order.bench is None and not any(path in survey.files for path in bench_slot.PATHS):
            raise review.no_bench()
        talk(plan.describe(todo, self.built.files))
        self.report.update(copy=todo.copied, remove=todo.removed, unchanged=len(todo.unchanged), left_alone=todo.left_alone)
        self._require_known(survey)
        return todo

    def _require_known(self, survey: Survey) -> None:
        """Ask before a formatted board becomes a pump again: it was a pump, and its file system is empty."""
        known = registry.known_pump(str(survey.facts.get("unique_id")))
        if known is None or survey.was_a_pump():
            return
        talk(review.formatted(known))
        self.report["was_formatted"] = True
        if not self.order.dry_run:
            confirm("Make it a new pump anyway?", self.order.yes)

    def _save(self, board: Board, survey: Survey, journal_too: bool) -> None:
        roots = DATA if journal_too else tuple(root for root in DATA if root != "/journal")
        if survey.below(roots):
            self.report["saved_files"] = backup.save_files(board, survey, self._backup_folder(str(survey.facts.get("unique_id"))), roots)

    def _write(self, board: Board, survey: Survey, todo: plan.Plan) -> None:
        """Change the board, the manifest first removed and last written. Does nothing if all files are there."""
        saved = self._saved_store(survey)
        slot = self._bench_to_write(saved)
        given = identity.to_write(saved, self.boots)
        adopted = {path: mark for path, mark in marks.missing(saved).items() if path not in slot}
        written = {**adopted, **({} if given is None else {identity.PATH: given}), **slot}
        self.report["bench_written"] = bool(slot)
        if not todo.changes and not written:
            return
        with tempfile.TemporaryDirectory(prefix="thecal-") as place:
            folder = Path(place)
            stage(folder, {path + NEW: self.built.files[path] for path in todo.copied})
            self.writing = True
            board.prepare(todo.folders)
            self._copy(board, folder, todo)
            if todo.removed or todo.removed_folders:
                board.remove(todo.removed, todo.removed_folders)
            for path, data in written.items():
                (folder / "data").write_bytes(data)
                board.put(folder / "data", path)
            (folder / "manifest").write_bytes(self.built.manifest)
            board.publish(folder / "manifest")

    def _saved_store(self, survey: Survey) -> dict[str, bytes]:
        """Return slots and marks as backed up, by their paths."""
        paths = survey.below((marks.STORE, marks.FOLDER))
        return backup.saved(Path(self.report["backup"]), paths) if "backup" in self.report else {}

    def _bench_to_write(self, saved: dict[str, bytes]) -> dict[str, bytes]:
        held = bench_slot.newest(saved)
        if self.order.bench is None:
            if held is None:
                raise review.no_bench()
            return {}
        slot = bench_slot.to_write(saved, self.order.bench)
        if slot and held is not None:
            talk(review.bench_change(held[1], self.order.bench))
            confirm("Replace the pump's bench and its calibration?", self.order.yes)
        return slot

    def _copy(self, board: Board, folder: Path, todo: plan.Plan) -> None:
        with copying("copying", {path: len(self.built.files[path]) for path in todo.copied}) as moved:
            board.copy(folder, todo.copied, moved)
        self.report["copied"] = len(todo.copied)

    def _give_back(self, board: Board, error: BaseException, was_pump: bool) -> None:
        """Report the present state of the board; restart a pump that was put into maintenance for nothing."""
        if self.writing:
            talk(f"interrupted: {INCOMPLETE}")
        elif was_pump and not isinstance(error, LinkLost):
            talk("nothing was written; the pump starts again")
            try:
                board.reset()
            except ThecalError:
                talk("the pump did not restart: unplug it and plug it in again")

    def _finish(self, board: Board, survey: Survey) -> None:
        """Reset, read back, and remember the board."""
        board.reset()
        reading = proof.prove(self.candidate, self.built, str(self.order.bench["name"]) if self.order.bench else "")
        unique_id = str(reading.hello.get("unique_id"))
        facts = {"release": self.built.release, "bench": reading.hello.get("bench"), "flashed_utc_s": int(time.time())}
        registry.remember_pump(unique_id, {**facts, "events_sequence": reading.status.get("events_sequence")})
        self.report.update(unique_id=unique_id, bench=reading.hello.get("bench"), firmware=reading.hello.get("firmware"))
        self.report["alarms"] = reading.alarms
        self.report["micropython"] = ".".join(map(str, survey.facts.get("version", [])))


def require_chip(machine: str) -> None:
    if CHIP not in machine:
        do = "a simulated pump gets new firmware by `thecal sim --fresh`; a board must be a Raspberry Pi Pico"
        raise Failed(f"this board is {machine or 'an unknown machine'}, the firmware is for the {CHIP}", do)


def too_old(version: list[int]) -> str:
    """Return why this MicroPython can't run the firmware; "" if it can."""
    if version >= OLDEST_MICROPYTHON:
        return ""
    return f"the board has MicroPython {'.'.join(map(str, version))}, {'.'.join(map(str, OLDEST_MICROPYTHON))} or newer is needed"


def stage(folder: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder with their paths on the board."""
    for path, data in files.items():
        target = folder / path[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
