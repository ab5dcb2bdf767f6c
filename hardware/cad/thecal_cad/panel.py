# SPDX-License-Identifier: CERN-OHL-P-2.0
"""The button panel: the stop button above, the bolus button below."""

from build123d import Part

from thecal_cad import layout as at
from thecal_cad.layout import S
from thecal_cad.mount import gussets, stand
from thecal_cad.shapes import rod_y, rods


def button_panel() -> Part:
    """Return the panel as it stands: its front is y = 0, x = 0 its middle."""
    size = S.panel
    end = size.thick + size.foot
    outline = [(0.0, 0.0), (end, 0.0), (end, S.base.toe), (size.thick + S.base.toe, size.height), (0.0, size.height)]
    solid = stand(size.width, size.thick, size.height, size.foot) + gussets(size.width, size.gusset, outline)
    holes = [rod_y(size.stop + size.allowance, size.thick, (0.0, size.stop_up))]
    holes += [rod_y(size.bolus + size.allowance, size.thick, (0.0, size.bolus_up))]
    return solid - [*holes, *rods(S.print.screw_hole, S.base.thick, at.PANEL_SCREWS)]
