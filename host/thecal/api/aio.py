"""The same pumps for asyncio: every call runs in a thread, and is awaited."""
