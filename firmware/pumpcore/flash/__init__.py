"""The formats of files in flash, which are slots, the ledger, the manifest."""
