"""One module for each noun. Reading goes through queries, writing through the verbs that the pages call."""
