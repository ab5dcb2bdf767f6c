"""What lies on flash: slots, the ledger, the manifest."""
