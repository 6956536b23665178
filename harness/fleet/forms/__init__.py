"""The forms in which sources are written, whatever they say: text, CSV, JSON, XML, syslog, dates."""
