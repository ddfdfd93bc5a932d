"""One player: session, migration, journey, inputs, snapshot, ledger rules. Knows no fleet."""
