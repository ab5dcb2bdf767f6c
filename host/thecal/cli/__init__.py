"""The command line: parse, ask, print. Nothing else imports it."""
