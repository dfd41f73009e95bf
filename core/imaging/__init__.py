"""Pictures as bytes and arrays: decoding in isolation, metadata, resizing, PNG and EXR."""
