"""The duty ledger: every obligation of the response is one row with who, whom, by when, why and outcome."""
