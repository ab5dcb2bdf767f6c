"""`python -m thecal` is the same as the command `thecal`."""

import sys

from thecal.cli.app import main

if __name__ == "__main__":  # a process beside `thecal serve` imports it under another name
    sys.exit(main())
