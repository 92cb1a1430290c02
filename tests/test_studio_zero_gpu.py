"""A GPU hired for one clip: the clip is the same, and what cannot be done there is said."""

from __future__ import annotations

import importlib
import sys
from contextvars import ContextVar
from dataclasses import replace
from types import ModuleType

import pytest

from steering.decoding.decoder import Decoder
from studio import zero_gpu
from studio.engine import Engine
from studio.loaded_models import LoadedModels
from tests.studio_toy import Listener, toy_loaded, toy_recipe


def played(loaded):
    engine = Engine(LoadedModels(lambda name: loaded, ("toy",)))
    try:
        return Listener(engine, toy_recipe()).end()
    finally:
        engine.close()


def test_a_clip_made_on_a_hired_gpu_is_the_clip_made_here(model, monkeypatch):
    loaded = toy_loaded(model)
    monkeypatch.setattr(zero_gpu, "_decoder", lambda name: Decoder(model))
    there = played(replace(loaded, decoder=None))
    assert there["event"] == "done"
    assert there["sha256"] == played(loaded)["sha256"]


def test_it_is_hired_in_the_context_of_the_listener(model, monkeypatch):
    asking: ContextVar[str] = ContextVar("asking", default="nobody")
    seen = []

    def chunks(*arguments):
        seen.append(asking.get())
        return iter(())

    monkeypatch.setattr(zero_gpu, "chunks", chunks)
    asking.set("the listener")
    assert played(replace(toy_loaded(model), decoder=None))["event"] == "stopped"
    assert seen == ["the listener"]


def test_a_strength_cannot_be_moved_there_and_the_error_says_what_can(model):
    session = replace(toy_loaded(model), decoder=None).session([], 1.0, None)
    with pytest.raises(zero_gpu.BadInput, match="draw a schedule instead"):
        session.set(0, 0.1)


def test_only_a_zero_gpu_space_hires_and_never_for_the_sketch(monkeypatch):
    assert not zero_gpu.plays_on_zero_gpu("facebook/musicgen-small")
    spaces = ModuleType("spaces")
    leases = []
    spaces.GPU = lambda duration: lambda function: leases.append(duration) or function
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    try:
        importlib.reload(zero_gpu)
        assert zero_gpu.plays_on_zero_gpu("facebook/musicgen-small")
        assert not zero_gpu.plays_on_zero_gpu("sketch")
        (lease,) = leases
        assert lease("facebook/musicgen-small", [], 10.0, None) > 10
    finally:
        monkeypatch.undo()
        importlib.reload(zero_gpu)
    assert not zero_gpu.plays_on_zero_gpu("facebook/musicgen-small")
