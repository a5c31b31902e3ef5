"""Written from `_async` by `tools/write_sync.py`: change that."""
