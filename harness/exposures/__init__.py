"""The room of exposures: one file each; known holes are data with one file for all."""
