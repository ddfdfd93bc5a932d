"""The games that come with the package: each is a folder that knows everything of one game."""
