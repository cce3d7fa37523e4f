import model.console.interruption
import model.system.privacy  # noqa: F401 - both before any library is loaded
