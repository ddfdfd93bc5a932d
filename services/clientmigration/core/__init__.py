"""Core decides: values, functions and machines, in five packages. Time and chance are arguments."""
