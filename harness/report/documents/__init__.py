"""The JSON documents that are published: each verb's as pydantic models, whose schemas are one folder up."""
