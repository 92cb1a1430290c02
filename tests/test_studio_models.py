"""The models that a page offers: loaded once, and nobody who plays another one waits for it."""

from __future__ import annotations

import time
from threading import Event

import pytest

from curation.errors import BadInput
from studio import loaded_models
from studio.cli import MODELS_VARIABLE, _parser
from studio.engine import Engine
from studio.loaded_models import LoadedModel, LoadedModels
from tests.studio_toy import Listener, toy_loaded, toy_recipe

SLOW = "somebody/slow"


class Shop:
    """Loads the toy at once, and another model when it is let go; counts what is asked for."""

    def __init__(self, toy: LoadedModel) -> None:
        self.toy, self.asked = toy, []
        self.begun, self.let_go, self.broken = Event(), Event(), Event()

    def __call__(self, name: str) -> LoadedModel:
        self.asked.append(name)
        if name != "toy":
            self.begun.set()
            assert self.let_go.wait(30)
            if self.broken.is_set():
                raise BadInput(f"{name} is no folder with a model: look into the cellar")
        return self.toy


@pytest.fixture
def shop(model, monkeypatch):
    monkeypatch.setattr(loaded_models, "PATIENCE_SECONDS", 0.1)
    there = Shop(toy_loaded(model))
    yield there
    there.let_go.set()


def wait_for(models: LoadedModels, name: str) -> LoadedModel:
    until = time.monotonic() + 30
    while True:
        try:
            return models[name]
        except BadInput as error:
            assert "is being loaded" in str(error) and time.monotonic() < until
            time.sleep(0.01)


def test_others_play_while_a_model_is_loaded_and_it_is_loaded_once(shop):
    models = LoadedModels(shop, ("toy", SLOW))
    models.load("toy")
    engine = Engine(models)
    try:
        for _ in range(20):
            with pytest.raises(BadInput, match=f"^{SLOW} is being loaded: try again in a minute$"):
                engine.check(toy_recipe(model=SLOW))
        assert shop.begun.wait(30)
        began = time.monotonic()
        assert engine.check(toy_recipe()).model == "toy"
        assert time.monotonic() - began < 5
        assert Listener(engine, toy_recipe()).end()["event"] == "done"
        shop.let_go.set()
        assert wait_for(models, SLOW) is shop.toy
        assert shop.asked.count(SLOW) == 1
    finally:
        engine.close()


def test_only_who_asked_first_waits(shop, monkeypatch):
    models = LoadedModels(shop, ("toy", SLOW))
    with pytest.raises(BadInput, match="being loaded"):
        models[SLOW]
    monkeypatch.setattr(loaded_models, "PATIENCE_SECONDS", 30)
    began = time.monotonic()
    with pytest.raises(BadInput, match="being loaded"):
        models[SLOW]
    assert time.monotonic() - began < 5


def test_a_model_that_fails_is_not_tried_again_at_once(shop, monkeypatch):
    monkeypatch.setattr(loaded_models, "PATIENCE_SECONDS", 30)
    models = LoadedModels(shop, ("toy", SLOW))
    shop.broken.set()
    shop.let_go.set()
    for _ in range(5):
        with pytest.raises(BadInput) as refused:
            models[SLOW]
        assert str(refused.value) == (
            f"{SLOW} cannot be played here now: try again later, or choose another model"
        )
    assert shop.asked == [SLOW]
    shop.broken.clear()
    monkeypatch.setattr(loaded_models, "RETRY_SECONDS", 0.0)
    assert models[SLOW] is shop.toy and shop.asked == [SLOW] * 2


def test_the_host_is_told_why_a_model_fails(shop):
    shop.broken.set()
    shop.let_go.set()
    with pytest.raises(BadInput, match="no folder with a model"):
        LoadedModels(shop, ("toy", SLOW)).load(SLOW)


@pytest.mark.parametrize("name", ["facebook/musicgen-large", "/etc/passwd", "", None, ["toy"], 7])
def test_what_is_not_offered_is_never_loaded(shop, name):
    with pytest.raises(BadInput, match=r"^no model of this name: this page plays the sketch only$"):
        LoadedModels(shop)[name]
    assert shop.asked == []


def test_the_host_names_the_models(monkeypatch):
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    assert _parser().parse_args([]).models == ["sketch"]
    monkeypatch.setenv(MODELS_VARIABLE, "sketch, a/b")
    assert _parser().parse_args([]).models == ["sketch", "a/b"]
    assert _parser().parse_args(["--models", "a/b", "c/d"]).models == ["a/b", "c/d"]
