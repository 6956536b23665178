"""A run for continuous integration: test results, annotations, the page of a job, code scanning."""
