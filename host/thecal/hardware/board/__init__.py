"""The perforated board of a rig: where each part stands, the links on its back, the checks of both, and the pictures to solder by."""
