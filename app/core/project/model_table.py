"""The models that a project has predictions of, and the thresholds that the person chose for them."""

from __future__ import annotations

import json

from app.core.project.project_database import ProjectDatabase
from app.core.project.records import KnownModel
from model.contract.bundle import BundleInfo, Thresholds
from model.contract.taxonomy import Taxonomy
from model.system.reading import parse_json

_CHOSEN = "thresholds of "  # and the model's fingerprint: a key of the table meta


class ModelTable:
    """The models of a project. All methods raise ProjectError."""

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database

    def keep(self, info: BundleInfo) -> None:
        """Remember the model that predicts from now on, or its new thresholds."""
        facts = json.dumps(
            {
                "name": info.name,
                "taxonomy": info.taxonomy.model_dump(),
                "thresholds": info.thresholds.model_dump(),
            }
        )
        with self._database.change() as connection:
            connection.execute("DELETE FROM model WHERE fingerprint = ?", (info.fingerprint,))
            connection.execute("INSERT INTO model (fingerprint, facts) VALUES (?, ?)", (info.fingerprint, facts))

    def all(self) -> list[KnownModel]:
        """The models that have predicted, the last one first; with the thresholds that the person chose, if any."""
        found = []
        for fingerprint, text in self._database.read("SELECT fingerprint, facts FROM model ORDER BY number DESC"):
            with self._database.contents(f"the entry of the model {fingerprint!r}"):
                facts = parse_json(text.encode())
                taxonomy, thresholds = Taxonomy(**facts["taxonomy"]), Thresholds(**facts["thresholds"])
                if not all(isinstance(one, str) for one in (fingerprint, facts["name"])):
                    raise ValueError("its name is not a text")
            chosen = self._chosen_thresholds(fingerprint) or thresholds
            found.append(KnownModel(fingerprint, facts["name"], taxonomy, chosen))
        return found

    def choose_thresholds(self, model: str, thresholds: Thresholds | None) -> None:
        """Decide by these from now on, whatever the model recommends; None: as it recommends."""
        key = _CHOSEN + model
        with self._database.change() as connection:
            connection.execute("DELETE FROM meta WHERE key = ?", (key,))
            if thresholds is not None:
                connection.execute("INSERT INTO meta VALUES (?, ?)", (key, thresholds.model_dump_json()))

    def _chosen_thresholds(self, model: str) -> Thresholds | None:
        rows = self._database.read("SELECT value FROM meta WHERE key = ?", (_CHOSEN + model,))
        with self._database.contents("the choice of thresholds"):
            return Thresholds(**parse_json(rows[0][0].encode())) if rows else None
