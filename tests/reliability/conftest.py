"""The same small model, photos and gallery as in the tests of the program, and the pictures of the trainer's tests."""

from tests.app.conftest import marque_home, photos, tiny_engine, tiny_gallery, tiny_model
from tests.model.conftest import picture_folder

__all__ = ["marque_home", "photos", "picture_folder", "tiny_engine", "tiny_gallery", "tiny_model"]
