"""Policies tried on simulated crowds, beside simple baselines."""
