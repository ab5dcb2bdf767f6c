"""The pump's past from its journal: one exact time line of planned and delivered steps, with uncertain steps kept separate."""
