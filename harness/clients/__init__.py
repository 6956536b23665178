"""The room of clients: one file an implementation; personas are data with their evidence."""
