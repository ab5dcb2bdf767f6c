"""A list that counts how often it is read."""


class Counted(list):
    """Entries that count how often they are read, and fail above a limit."""

    looks, most = 0, 1 << 62

    def __getitem__(self, index: object) -> object:
        self.looks += 1
        assert self.looks <= self.most, "too much work"
        return super().__getitem__(index)

    def __iter__(self) -> object:
        self.looks += len(self)
        assert self.looks <= self.most, "too much work"
        return super().__iter__()
