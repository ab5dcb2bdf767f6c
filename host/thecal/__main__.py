"""`python -m thecal` is the same as the command `thecal`."""

import sys

from thecal.cli.app import main

sys.exit(main())
