"""How the three lists of differences between Apple and the inventory are shown, filtered and downloaded."""
