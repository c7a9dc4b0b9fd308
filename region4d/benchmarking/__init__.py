"""Running a benchmark: in this process or in several, and the tables that it prints."""
