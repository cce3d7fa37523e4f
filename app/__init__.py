import model.privacy  # noqa: F401 - before any library is loaded
