"""The rehearsal itself: jobs, their phases, attempts in worker processes."""
