import model.system.privacy  # noqa: F401 - before any library is loaded
