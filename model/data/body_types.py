"""The body type of a Stanford Cars model from its name."""

from __future__ import annotations

from model.contract.samples import DataError

BODY_TYPES = ("convertible", "coupe", "hatchback", "minivan", "pickup", "sedan", "suv", "van", "wagon")

_TYPE_OF_WORD = {name: name for name in BODY_TYPES} | {"cab": "pickup", "supercab": "pickup"}

# names that say nothing of the body, or the wrong thing
_TYPE_OF_NAME = {
    "Acura TL Type-S 2008": "sedan",
    "Acura Integra Type R 2001": "coupe",
    "Buick Regal GS 2012": "sedan",
    "Chevrolet Corvette ZR1 2012": "coupe",
    "Chevrolet Corvette Ron Fellows Edition Z06 2007": "coupe",
    "Chevrolet HHR SS 2010": "minivan",
    "Chevrolet Cobalt SS 2010": "coupe",
    "Chevrolet TrailBlazer SS 2009": "suv",
    "Chrysler 300 SRT-8 2010": "sedan",
    "Dodge Challenger SRT8 2011": "coupe",
    "Dodge Charger SRT-8 2009": "sedan",
    "FIAT 500 Abarth 2012": "coupe",
    "Ford E-Series Wagon Van 2012": "wagon",
    "Jaguar XK XKR 2012": "coupe",
    "Lamborghini Gallardo LP 570-4 Superleggera 2012": "coupe",
}


def body_type(name: str) -> str:
    """The body type that a model's name says: its last word that names one ("Drophead Coupe Convertible").

    Raises:
        DataError: if the name says none.
    """
    if name in _TYPE_OF_NAME:
        return _TYPE_OF_NAME[name]
    for word in reversed(name.lower().split()):
        if word in _TYPE_OF_WORD:
            return _TYPE_OF_WORD[word]
    raise DataError(f"the name '{name}' does not say a body type")
