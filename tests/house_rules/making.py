"""`make` as a person runs it, without this machine's own settings."""

import os
import subprocess

from house_rules.tree import ROOT


def make(*arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "THECAL_"))}
    environment["PATH"] = path + environment["PATH"]
    return subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
