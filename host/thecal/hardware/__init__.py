"""From a bench file: the table of its wires, the drawing, the bill of materials. `python -m thecal.hardware BENCH...` writes them."""
