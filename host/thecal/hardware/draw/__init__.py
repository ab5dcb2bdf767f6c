"""Drawings of a rig as SVG, from its bench file: power and driver, Pico and controls, pin-outs, label. Our own writer, no dependency."""
