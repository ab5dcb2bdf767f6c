"""The pure part of the pump: integers, bytes, plain classes; the same files on the board, in the simulator and on the host."""
