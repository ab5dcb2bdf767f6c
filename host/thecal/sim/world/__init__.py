"""The world around the guest: the pump's parts, the liquid, the balance."""
