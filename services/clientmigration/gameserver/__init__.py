"""The game server daemon: owns players, simulates them at a fixed tick, hands them over."""
