"""Root file systems that servers and clients run from: how they are unpacked, mounted, and followed into."""
