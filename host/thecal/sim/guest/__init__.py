"""The guest: MicroPython in WebAssembly, its files and its flash."""
