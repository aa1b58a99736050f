"""``make bench``: measurements as ratios within the same run. Printed, never asserted."""
