"""`twistd -n stack`: the whole thing on one machine."""
