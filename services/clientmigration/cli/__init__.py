"""The command line, `clientmigration`: one module per command. It decides nothing."""
