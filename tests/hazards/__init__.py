"""The hazard table: hazard -> rule -> the tests with the rule's marker, and the mutations that break it on purpose."""
