"""A photo with its depth: what both apps draw, measure and save."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.settings import PredictSettings
from core.geometry.calibration import KnownLength
from core.geometry.measure import calibrated
from core.image import Photo
from core.model_choice import Choice
from core.prediction import Prediction


@dataclass(frozen=True)
class Scene:
    """A photo and its depth.

    Attributes:
        photo: as decoded; rgb (H, W, 3) uint8.
        prediction: depth (H, W) metres and what belongs to it.
        settings: with which it was asked for; the model is the one that was used.
        choice: how the photo chose its model; None where the model was given.
    """

    photo: Photo
    prediction: Prediction
    settings: PredictSettings
    choice: Choice | None = None

    def asked_for(self, name: str, choice: Choice | None) -> Scene:
        """The same scene as one request got it.

        Args:
            name: of the request's own file: who sends the same bytes learns no other's name.
            choice: how the photo chose its model, where the request left that to it.
        """
        if (name, choice) == (self.photo.name, self.choice):
            return self
        return replace(self, photo=replace(self.photo, name=name), choice=choice)

    def calibrated(self, known: KnownLength | None) -> Scene:
        """The same scene, rescaled so that a known length comes out; not kept by the studio.

        Raises:
            CameraError: the two points are outside the photo, have no depth or are the same.
        """
        if known is None:
            return self
        return replace(self, prediction=calibrated(self.prediction, known))

    @property
    def bytes(self) -> int:
        """Memory that keeping it costs, without what is computed on demand later."""
        depth = self.prediction.depth.nbytes
        spare = depth if self.prediction.info.error_model is not None else 0  # the confidence
        return int(self.photo.rgb.nbytes + depth + spare)
