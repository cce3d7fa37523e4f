"""The page Explore: photos on a map, where similar ones are close together, and which classes are confused."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout

from app.core.explore.map_points import BY_TRAINING, By, Groups, find, grouped, write_csv, write_svg
from app.core.recognition.features import NOBODY
from app.core.system import paths
from app.ui.background.model_loading import Loaded
from app.ui.explore import actions
from app.ui.explore.group_colours import colours, rgb, words
from app.ui.explore.legend import MapSidebar
from app.ui.explore.map_export import Writer, ask_where, picture_writer, saving
from app.ui.explore.map_selection import MapSelection
from app.ui.explore.map_session import MapSession
from app.ui.explore.map_view import MapView, Tool
from app.ui.explore.mistakes_view import MistakesView
from app.ui.explore.point_photos import PointPhotos
from app.ui.explore.source_box import ask_for_training
from app.ui.explore.toolbar import ExploreToolbar, View
from app.ui.page.context import PageContext
from app.ui.page.navigation import CurrentPhoto
from app.ui.page.page import Page
from app.ui.widgets import icons
from app.ui.widgets import standard_actions as standard
from app.ui.widgets.basics import Splitter, bind
from app.ui.widgets.empty_state import EmptyState
from model.system.wording import counted


class ExplorePage(Page):
    """Joins the sessions with the map, its legend and the views of mistakes."""

    id, icon, key = "explore", "chart-scatter", "4"
    action_set = actions.ON_PAGE

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        project, thumbnails = context.project, context.thumbnails
        self._project, self._thumbnails = project, thumbnails
        self._signals, self._identify_folder = context.signals, context.identify_folder
        self.survey = MapSession(project, self)
        self.toolbar, self.side = ExploreToolbar(), MapSidebar()
        self.shown = PointPhotos(project, thumbnails)
        self.map, self.mistakes = MapView(self.shown.card), MistakesView(project, thumbnails)
        self.judge = self.mistakes.judge
        self.jobs = (self.survey.jobs, self.judge.jobs)
        self.choice = MapSelection(project, self.shown, self.map, self.side, self)
        self.relabel_box = self.choice.relabel_box
        self.by, self.view = By.TYPE, View.MAP
        self._groups = Groups((), np.zeros(0, np.int32))
        self._current = NOBODY
        self._fresh = False  # others are known but have no places yet
        self.empty = EmptyState(
            "chart-scatter",
            "See your photos as a map",
            "Similar photos are close together, so whole groups can be checked at once.",
            "identify a folder",
        )
        self._lay_out()
        self.splitters = (self.columns, self.mistakes.columns, self.mistakes.rows)
        self._connect()
        self._bind_keys()
        self._show_points()

    # building

    def _lay_out(self) -> None:
        self.columns = Splitter("explore", Qt.Orientation.Horizontal)
        self.columns.addWidget(self.map)
        self.columns.addWidget(self.side)
        self.columns.setStretchFactor(0, 1)
        self.columns.set_defaults([948, 260])
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.columns)
        self._stack.addWidget(self.mistakes)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        for part in (self.errors, self.toolbar):
            whole.addWidget(part)
        whole.addWidget(self._stack, 1)

    def _connect(self) -> None:
        survey, judge, toolbar, project = self.survey, self.judge, self.toolbar, self._project
        survey.read.connect(self._on_read)
        survey.source_changed.connect(self._on_source)
        survey.settled.connect(self._look_for_test_photos)
        survey.trainings_found.connect(lambda: toolbar.source_box.show_trainings(survey.trainings))
        survey.placed.connect(self._on_placed)
        survey.unfolding_changed.connect(lambda: toolbar.show_unfolding(survey.unfolding()))
        judge.truths_found.connect(toolbar.show_truths)
        for source in (survey, judge):
            source.problem.connect(self.errors.show_problem)
        project.opened.connect(self._on_opened)
        project.grown.connect(self._on_changed)
        project.labelled.connect(lambda _rows: self._on_changed())
        toolbar.view_wanted.connect(self.show_view)
        toolbar.source_box.source_wanted.connect(survey.set_source)
        toolbar.source_box.training_wanted.connect(survey.set_training)
        toolbar.source_box.other_wanted.connect(self._ask_for_training)
        toolbar.by_wanted.connect(self.colour_by)
        toolbar.tool_wanted.connect(self.set_tool)
        toolbar.search_wanted.connect(self.find_text)
        toolbar.save_wanted.connect(self.save)
        toolbar.truth_wanted.connect(self.mistakes.choose_truth)
        toolbar.shares_wanted.connect(self.mistakes.matrix.set_shares)
        toolbar.unfold_button.clicked.connect(self._toggle_unfolding)
        toolbar.fit_button.clicked.connect(self.map.fit)
        toolbar.find_button.clicked.connect(self.find_current)
        toolbar.theme_button.clicked.connect(self.theme_wanted)
        self.side.legend.group_clicked.connect(self._choose_group)
        self.choice.requested.connect(self.requested)
        self.choice.changed.connect(self._signals.chosen_on_map)
        self.map.clicked.connect(self._on_clicked)
        self.mistakes.requested.connect(self.requested)
        self.mistakes.photo_wanted.connect(self._signals.photo_clicked)
        self.mistakes.cell_chosen.connect(lambda _type, _other: self.show_view(View.CONFUSIONS))
        self.empty.asked.connect(self._identify_folder)
        self._thumbnails.ready.connect(self._on_thumbnail)
        self._signals.chosen_in_review.connect(self._follow)
        self._signals.current_changed.connect(lambda photo: self.set_current(photo.image))
        self._signals.gallery_changed.connect(self._on_gallery_changed)

    def _bind_keys(self) -> None:
        for key, act in (
            (actions.SHOW_MAP, lambda: self.show_view(View.MAP)),
            (actions.SHOW_CONFUSIONS, lambda: self.show_view(View.CONFUSIONS)),
            (actions.SHOW_HIERARCHY, lambda: self.show_view(View.HIERARCHY)),
            (standard.BACK, self.back),
            (actions.UNDO, self._signals.undo_wanted.emit),
            (actions.REDO, self._signals.redo_wanted.emit),
            (standard.THEME, self.theme_wanted.emit),
            (standard.FOLDER, self._identify_folder),
        ):
            bind(self, key, act)
        for key, act in (
            (actions.MOVE_MAP, lambda: self.set_tool(Tool.MOVE)),
            (actions.LASSO, lambda: self.set_tool(Tool.LASSO)),
            (actions.BOX, lambda: self.set_tool(Tool.BOX)),
            (actions.FIT_MAP, self.map.fit),
            (actions.FIND_CURRENT, self.find_current),
            (actions.FIND_ON_MAP, self.toolbar.search.setFocus),
            (actions.RELABEL, self.choice.relabel),
            (actions.ENROL, self.choice.enrol),
        ):
            bind(self.columns, key, act)
        # not while somebody types
        bind(self.columns, actions.OPEN_CHOSEN, self.choice.open, Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # what a person does

    def show_view(self, view: View) -> None:
        """Show the map, the pairs of classes or the types."""
        self.view = view
        self.toolbar.show_view(view)
        self.mistakes.show_hierarchy(view is View.HIERARCHY)
        self._update_stack()
        self._look_at_mistakes()

    def colour_by(self, by: By) -> None:
        """Change the meaning of the colours."""
        self.by = by
        self._show_by()
        self._colour()

    def set_tool(self, tool: Tool) -> None:
        """What dragging does."""
        self.toolbar.show_tool(tool)
        self.map.set_tool(tool)

    def find_current(self) -> None:
        """Centre the photo that is current in Review."""
        point = self.shown.point_of(self._current)
        if point == NOBODY:
            self._project.said.emit("the photo that is current in Review is not on the map")
        else:
            self.map.centre_on(point)

    def find_text(self, text: str) -> None:
        """Choose the photos whose name, class or type has these words."""
        found = find(self.shown.points, self._project.columns, text)
        self.map.choose(found)
        if len(found):
            self.map.bring_into_sight(found)
        elif text.strip():
            self.side.say(f"No photo on the map has “{text.strip()}” in its name, class or type.")

    def back(self) -> None:
        """Esc: choose nothing, all pairs again."""
        if self.view is View.MAP:
            self.map.choose(np.zeros(0, np.int64))
        else:
            self.mistakes.back()

    def save(self, kind: str) -> None:
        """Ask for a place, and write the map as one of FORMATS."""
        project = self._project.project
        out = ask_where(self, project.path.parent if project is not None else Path.home(), kind)
        if out is None:
            return
        write: Writer
        if kind == "png":
            write = picture_writer(self.map.picture())
        elif kind == "csv":
            points, columns, places = self.shown.points, self._project.columns.snapshot(), self.map.places()
            write = partial(write_csv, points=points, columns=columns, places=places)
        else:
            names = [words(self.by, name) for name in self._groups.names]
            tints = [tint.name() for tint in self._tints()]
            places, groups = self.map.places(), self._groups
            write = partial(write_svg, places=places, groups=groups, colours=tints, words=names)
        self.survey.tasks.once(saving(out, kind, write), lambda _: self._project.said.emit(f"written: {out.place}"))

    # the window's side

    def focus(self) -> None:
        """Let the keys go to the map."""
        self.map.setFocus()

    def use_model(self, loaded: Loaded) -> None:
        """This identification model and its gallery are in use."""
        self.survey.use_model(loaded)
        self.judge.use_model(loaded)
        self._on_source()
        self._on_changed()

    def set_current(self, image: int) -> None:
        """This photo is current in Review."""
        self._current = image
        self.map.set_current(self.shown.point_of(image))

    def theme_changed(self, dark: bool) -> None:
        """Take the other theme's colours, offer the other theme."""
        self.toolbar.theme_button.setIcon(icons.icon("sun" if dark else "moon"))
        self._colour()

    def showEvent(self, event: QShowEvent) -> None:
        """Read what has changed while the page was hidden."""
        super().showEvent(event)
        self.survey.look_for_trainings()
        self._look_for_test_photos()
        if self.view is View.MAP:
            self.survey.refresh()
        self._colour()
        self._look_at_mistakes()

    def hideEvent(self, event: QHideEvent) -> None:
        """Ignore the project's changes until the page is shown again."""
        super().hideEvent(event)
        self.survey.rest()
        self.judge.rest()

    def stop(self) -> None:
        """Wait for this page's workers."""
        self.survey.stop()
        self.judge.stop()

    # what happened

    def _on_gallery_changed(self) -> None:
        self.survey.gallery_changed()
        self.judge.gallery_changed()

    def _follow(self, images: np.ndarray) -> None:
        """Choose here too what is chosen in Review, if that is several photos, for when the page is shown."""
        if not self.isVisible() and len(images) > 1:
            self.map.choose(self.shown.points_of(images))

    def _on_source(self) -> None:
        survey = self.survey
        self.toolbar.source_box.show_current(survey.training or survey.source, gallery=survey.has_gallery())

    def _ask_for_training(self) -> None:
        wanted = ask_for_training(self, paths.runs_folder())
        if wanted is not None:
            self.survey.set_training(wanted)

    def _on_read(self) -> None:
        self._fresh = True
        if not len(self.survey.points):
            self._on_placed(np.zeros((0, 2), np.float32))

    def _on_placed(self, places: np.ndarray) -> None:
        if self._fresh:
            self._fresh, self.shown.points = False, self.survey.points
            self._show_by()
            self.map.show_points(places, np.zeros((len(places), 3), np.uint8))
            self._show_points()
            self.set_current(self._current)
        else:
            self.map.move_points(places)

    def _on_opened(self) -> None:
        self.relabel_box.leave()  # the request was for photos of the other project
        self.survey.forget()
        self._on_changed()
        if self.view is not View.MAP and self.isVisible():
            self.judge.refresh()

    def _on_changed(self) -> None:
        if self.isVisible():  # otherwise when it is shown: hidden maps are not laid out
            self._colour()
            if self.view is View.MAP:
                self.survey.expect()
            else:
                self.judge.expect()

    def _look_for_test_photos(self) -> None:
        """Some photos on the map may be in the project now."""
        if self.shown.points.held_out is not None:
            self.set_current(self._current)
            self.choice.show()

    def _look_at_mistakes(self) -> None:
        if self.view is not View.MAP and self.isVisible():
            self.judge.look_for_truths()
            self.judge.refresh()

    def _on_clicked(self, point: int) -> None:
        images = self.shown.images(np.array([point]))
        if len(images):
            self._signals.photo_clicked.emit(CurrentPhoto(int(images[0])))

    def _on_thumbnail(self, _path: Path) -> None:
        if self.isVisible():
            self.side.preview.update()
            if self.map.hovered() != NOBODY:
                self.map.update()

    def _toggle_unfolding(self) -> None:
        if self.survey.unfolding():
            self.survey.cancel()
        else:
            self.survey.unfold()

    def _choose_group(self, group: int) -> None:
        self.map.choose(np.flatnonzero(self._groups.of == group))

    def _update_stack(self) -> None:
        if self.view is View.MAP:
            self._stack.setCurrentWidget(self.columns if len(self.map.places()) else self.empty)
        else:
            self._stack.setCurrentWidget(self.mistakes)

    def _show_by(self) -> None:
        """Another meaning of the colours if the points do not have this one."""
        possible = BY_TRAINING if self.shown.points.held_out is not None else tuple(By)
        self.by = self.by if self.by in possible else possible[0]
        self.toolbar.show_by(self.by, possible)

    def _show_points(self) -> None:
        self._update_stack()
        self.toolbar.set_filled(len(self.map.places()) > 0)
        self._colour()
        self.choice.show()

    def _colour(self) -> None:
        points, by = self.shown.points, self.by
        if len(points) != len(self.map.places()):
            return
        self._groups = grouped(points, self._project.columns, by)
        tints = self._tints()
        table = np.array([rgb(tint) for tint in tints], np.uint8).reshape(-1, 3)
        self.map.colour_points(table[self._groups.of])
        names = [words(by, name) for name in self._groups.names]
        self.side.legend.show_groups(names, tints, self._groups.counts().tolist())
        photo = "photo" if points.held_out is None else "test photo"
        self.side.total.setText(counted(len(points), photo))

    def _tints(self) -> list[QColor]:
        held_out, model = self.shown.points.held_out, self._project.model
        taxonomy = held_out.taxonomy if held_out is not None else model.taxonomy if model is not None else None
        return colours(self.by, self._groups, taxonomy)
