"""What is counted, and how the numbers of the statistics come from it. Pure: no database, no clock."""
