"""What comes again by the clock: schedules that people choose, and their turns. Knows nothing of what comes."""
