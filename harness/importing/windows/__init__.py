"""What PowerShell says of a Windows server (Get-SmbServerConfiguration, Get-SmbShare) as a configuration.

Nothing here was compared with a Windows: the properties and their values are those of Microsoft's documents
and of outputs that people have published.
"""
