"""What was tried beside the library's own pieces; plug-ins as a stranger's would be."""
