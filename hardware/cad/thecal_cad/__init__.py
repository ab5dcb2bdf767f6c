# SPDX-License-Identifier: CERN-OHL-P-2.0
"""The printed parts of the bench pump. `python -m thecal_cad` writes them; sizes.toml holds every size."""
