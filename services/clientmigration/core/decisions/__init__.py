"""Decisions on record: rounds, their replay, what-if, the audit trail, and annotations."""
