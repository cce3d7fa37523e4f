"""What a person can do with a project as a whole."""

from __future__ import annotations

from app.ui.widgets.action import Action

NEW: Action[object] = Action("project.new", "new project", menu="project/file")
OPEN: Action[object] = Action("project.open", "open project…", menu="project/file")
SAVE_COPY: Action[object] = Action("project.save_copy", "save a copy as…", menu="project/file")
LOCATE: Action[object] = Action("project.locate", "photos were moved: locate them…", menu="project/photos")
CORRECTIONS: Action[object] = Action("project.corrections", "import corrections from a table…", menu="project/photos")
RETRY: Action[object] = Action("project.retry", "read failed files again", menu="project/photos")
IDENTIFY_AGAIN: Action[object] = Action("project.identify_again", "identify all photos again", menu="project/photos")

OF_PROJECT = (NEW, OPEN, SAVE_COPY, LOCATE, CORRECTIONS, RETRY, IDENTIFY_AGAIN)
