"""Flood filling: objects grow one by one, wherever a network says that their mask goes on."""
