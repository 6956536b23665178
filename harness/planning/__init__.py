"""What is to be rehearsed: from words and scenarios to the cells and jobs of a plan."""
