"""The formats of files in flash: slots, the ledger, the manifest."""
