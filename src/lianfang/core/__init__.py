"""What every response stands on: access, territory, people and the duty ledger."""
