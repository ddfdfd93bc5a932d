"""What is measured: the catalogue, datapoints, and what a daemon counts between two reports."""
