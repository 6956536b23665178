"""What every room stands on: processes, files, time, paths, and how ours begin and end."""
