"""Measure the delivery of a pump by weighing: record a run, check it, analyse it by IEC 60601-2-24, draw it."""
