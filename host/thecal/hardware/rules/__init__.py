"""The electrical rules of a rig, one file per subject. Every rule yields findings; no finding means that it found no mistake."""
