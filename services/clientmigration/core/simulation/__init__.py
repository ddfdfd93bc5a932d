"""Policies tried on simulated players and servers, beside simple baselines."""
