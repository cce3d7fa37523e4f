import model.interruption
import model.privacy  # noqa: F401 - both before any library is loaded
