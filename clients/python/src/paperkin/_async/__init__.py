"""The client for asyncio (and trio). `paperkin._sync` is written from this folder by `tools/write_sync.py`."""
