"""How well a pump really delivers, by weighing: record a run, check it, analyse it as IEC 60601-2-24 does, draw it."""
