"""When things happened: intervals, workflow time, and what the weather of a run has done to both."""
