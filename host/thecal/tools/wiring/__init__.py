"""From a bench file: the table of its wires, the drawing, the bill of materials. `python -m thecal.tools.wiring BENCH...` writes them."""
