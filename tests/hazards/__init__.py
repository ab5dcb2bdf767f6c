"""The hazard table: hazard -> rule -> the tests that carry the rule's marker, and the mutations that break it on purpose."""
