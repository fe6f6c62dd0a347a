"""Examples may take long on a busy machine; how long says nothing about them."""

from hypothesis import settings

settings.register_profile("patient", deadline=None, max_examples=60)
settings.load_profile("patient")
