"""Files of a service's things: uploaded, kept and read, in a folder or in S3 (obstore)."""
