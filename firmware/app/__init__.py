"""The behaviour of the pump. Sees pumpcore and the objects of a hal that main.py passes in; imports no hal."""
