"""The official E2B SDKs as a program uses them: by every way in, sync and async, with what was seen written down."""
