"""``make bench``: what is fast, as ratios against something measured in the same run. Printed, never asserted."""
