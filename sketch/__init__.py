"""A small MusicGen of our own: how it was made, and its weights.

Importing this package tells transformers about the codec, so that
``MusicgenForConditionalGeneration.from_pretrained("sketch/weights")`` finds it.
"""

from transformers import AutoConfig, AutoModel

from sketch.codec.model import SketchCodec, SketchCodecConfig

AutoConfig.register(SketchCodecConfig.model_type, SketchCodecConfig, exist_ok=True)
AutoModel.register(SketchCodecConfig, SketchCodec, exist_ok=True)
